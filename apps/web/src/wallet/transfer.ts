/**
 * @file A transfer from question to outcome: what it costs, handing it in, following it into a block. The extrinsic's
 * bytes never change once signed, so handing the same ones in again after a lost connection cannot pay twice.
 */
import { blake2b256, errorCodeOf, type HashHex, type SigningContext, toHex } from '@alice/protocol';
import type { ChainReader } from '../chain/ChainReader.js';
import { WebError } from '../errors.js';
import { type Transfer, transferCall, transferWithSignature } from './keys.js';

export interface Quote {
  readonly transfer: Transfer;
  readonly call: Uint8Array;
  readonly context: SigningContext;
  readonly feePlanck: bigint;
  readonly freePlanck: bigint;
}

/** Everything the person must see before signing. Throws `CHAIN_OTHER_NETWORK`, `WALLET_INPUT`, chain errors. */
export async function quoteTransfer(
  reader: ChainReader,
  transfer: Transfer,
  networkId: string | undefined,
): Promise<Quote> {
  const [genesisHash, call] = await Promise.all([reader.genesisHash(), transferCall(transfer)]);
  if (networkId !== undefined && genesisHash !== networkId)
    throw new WebError(
      { code: 'CHAIN_OTHER_NETWORK', expected: networkId, found: genesisHash },
      'the chain node is of another network than this server: nothing was signed',
    );
  const [version, nonce, sender, receiver, deposit] = await Promise.all([
    reader.socket.call('state_getRuntimeVersion'),
    reader.socket.call('system_accountNextIndex', [transfer.from]),
    reader.account(transfer.from),
    reader.account(transfer.to),
    reader.constant('Balances', 'ExistentialDeposit'),
  ]);
  const { specVersion, transactionVersion } = version as { specVersion: number; transactionVersion: number };
  const context: SigningContext = { nonce: Number(nonce), genesisHash, specVersion, transactionVersion };
  const unsigned = transferWithSignature(
    call,
    { from: transfer.from, signature: new Uint8Array(64) },
    context,
  );
  const info = await reader.socket.call('payment_queryInfo', [toHex(unsigned)]);
  const feePlanck = BigInt((info as { partialFee: string }).partialFee);
  const quote = { transfer, call, context, feePlanck, freePlanck: sender.freePlanck };
  checkAmounts(quote, {
    depositPlanck: BigInt((deposit as bigint | undefined) ?? 0n),
    receiver: receiver.freePlanck,
  });
  return quote;
}

/** Refuses before signing what the chain would refuse after taking the fee. */
export function checkAmounts(
  { transfer: { planck }, feePlanck, freePlanck }: Pick<Quote, 'transfer' | 'feePlanck' | 'freePlanck'>,
  { depositPlanck, receiver }: { readonly depositPlanck: bigint; readonly receiver: bigint },
): void {
  const problem = (text: string): WebError => new WebError({ code: 'WALLET_INPUT', field: 'amount' }, text);
  if (planck <= 0n) throw problem('type an amount above zero');
  if (planck + feePlanck > freePlanck) throw problem('amount and fee together are more than the balance');
  if (freePlanck - planck - feePlanck < depositPlanck)
    throw problem(
      `this would leave less than the ${depositPlanck} planck an account must keep: send a little less`,
    );
  if (receiver + planck < depositPlanck)
    throw problem(`a new account needs at least ${depositPlanck} planck`);
}

export type Progress =
  | { readonly stage: 'sending' | 'pool' | 'away' }
  | { readonly stage: 'included'; readonly blockNumber: number };

interface ExtrinsicStatus {
  readonly status: 'unknown' | 'pool' | 'included';
  readonly blockNumber?: number;
  readonly error?: string | null;
}

/** Resolves with the block the transfer is in. Throws `TRANSFER_FAILED`, `CHAIN_RPC_ERROR` when it is refused. */
export async function sendAndFollow(
  reader: ChainReader,
  extrinsic: Uint8Array,
  onProgress: (progress: Progress) => void,
): Promise<number> {
  const hash = toHex(blake2b256(extrinsic));
  onProgress({ stage: 'sending' });
  await handIn(reader, extrinsic, onProgress);
  return await new Promise((resolve, reject) => {
    let isBusy = false;
    const finish = (settle: () => void): void => {
      stop();
      settle();
    };
    const look = async (): Promise<void> => {
      const status = await statusOf(reader, hash);
      if (status.status === 'pool') return onProgress({ stage: 'pool' });
      if (status.status === 'unknown' && !status.error) return await handIn(reader, extrinsic, onProgress);
      if (status.error) return finish(() => reject(failed(status)));
      const blockNumber = status.blockNumber ?? 0;
      onProgress({ stage: 'included', blockNumber });
      finish(() => resolve(blockNumber));
    };
    const stop = reader.onHead(() => {
      if (isBusy) return;
      isBusy = true;
      look()
        .catch((error: unknown) => {
          if (errorCodeOf(error) !== 'CHAIN_UNREACHABLE') finish(() => reject(error));
          else onProgress({ stage: 'away' });
        })
        .finally(() => {
          isBusy = false;
        });
    });
  });
}

/** An answer that was lost is no failure: following will show whether it arrived. */
async function handIn(
  reader: ChainReader,
  extrinsic: Uint8Array,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  try {
    await reader.socket.call('author_submitExtrinsic', [toHex(extrinsic)]);
  } catch (error) {
    if (errorCodeOf(error) !== 'CHAIN_UNREACHABLE') throw error;
    onProgress({ stage: 'away' });
  }
}

async function statusOf(reader: ChainReader, hash: HashHex): Promise<ExtrinsicStatus> {
  return (await reader.socket.call('alice_extrinsicStatus', [hash])) as ExtrinsicStatus;
}

function failed({ status, error }: ExtrinsicStatus): WebError {
  const detail = String(error);
  const text =
    status === 'included'
      ? `the transfer is in a block but failed (${detail}); only the fee was paid`
      : `the chain did not take the transfer (${detail}); nothing was paid`;
  return new WebError({ code: 'TRANSFER_FAILED', detail }, text);
}
