/**
 * @file Wallet extensions that follow Polkadot's convention (`window.injectedWeb3`): their accounts, and signatures by
 * them. The key never leaves the extension. Source: polkadot-js, `@polkadot/extension-inject` types.
 */
import { fromHex, type HexString, messageOf, type SigningContext, toHex } from '@alice/protocol';
import { accountOfAnyAddress, addressOfAccount } from '../chain/ss58.js';
import { WebError } from '../errors.js';

interface InjectedAccount {
  readonly address: string;
  readonly name?: string;
  readonly type?: string;
}
interface Injected {
  readonly accounts: { get(): Promise<InjectedAccount[]> };
  readonly signer: {
    signPayload?(payload: Readonly<Record<string, unknown>>): Promise<{ signature: HexString }>;
  };
}
interface Provider {
  enable(origin: string): Promise<Injected>;
}

export interface ExtensionAccount {
  readonly extension: string;
  readonly name: string;
  /** In this chain's form. */
  readonly address: string;
  /** 64 bytes, sr25519. Throws `EXTENSION_REFUSED`. */
  sign(call: Uint8Array, context: SigningContext): Promise<Uint8Array>;
}

const IMMORTAL_ERA = '0x00';
const SR25519_PREFIX = 1;

const providers = (): Readonly<Record<string, Provider>> =>
  (window as { injectedWeb3?: Record<string, Provider> }).injectedWeb3 ?? {};

export const extensionNames = (): string[] => Object.keys(providers());

/** Asks the extension for access (it asks the person) and lists its sr25519 accounts. Throws `EXTENSION_REFUSED`. */
export async function connectExtension(extension: string): Promise<ExtensionAccount[]> {
  try {
    const injected = await providers()[extension]!.enable('Alice');
    const accounts = await injected.accounts.get();
    return accounts
      .filter(({ type = 'sr25519' }) => type === 'sr25519')
      .map((account) => extensionAccount(extension, account, injected));
  } catch (error) {
    throw refused(messageOf(error));
  }
}

function extensionAccount(
  extension: string,
  account: InjectedAccount,
  { signer }: Injected,
): ExtensionAccount {
  const address = addressOfAccount(accountOfAnyAddress(account.address));
  const sign: ExtensionAccount['sign'] = async (call, context) => {
    if (!signer.signPayload) throw refused('it cannot sign transactions');
    let signature: Uint8Array;
    try {
      const answer = await signer.signPayload(payloadOf(account.address, call, context));
      signature = fromHex(answer.signature);
    } catch (error) {
      throw refused(messageOf(error));
    }
    if (signature.length !== 65 || signature[0] !== SR25519_PREFIX)
      throw refused('its signature is not sr25519');
    return signature.slice(1);
  };
  return { extension, name: account.name ?? 'account', address, sign };
}

/** Polkadot's `SignerPayloadJSON`, for an immortal extrinsic of this chain. */
export function payloadOf(
  address: string,
  call: Uint8Array,
  context: SigningContext,
): Record<string, unknown> {
  const hex = (value: number | bigint, digits: number): string =>
    `0x${value.toString(16).padStart(digits, '0')}`;
  return {
    address,
    blockHash: context.genesisHash,
    blockNumber: hex(0, 8),
    era: IMMORTAL_ERA,
    genesisHash: context.genesisHash,
    method: toHex(call),
    mode: 0,
    nonce: hex(context.nonce, 8),
    signedExtensions: [
      'CheckNonZeroSender',
      'CheckSpecVersion',
      'CheckTxVersion',
      'CheckGenesis',
      'CheckMortality',
      'CheckNonce',
      'CheckWeight',
      'ChargeTransactionPayment',
      'CheckMetadataHash',
    ],
    specVersion: hex(context.specVersion, 8),
    tip: hex(context.tip ?? 0n, 32),
    transactionVersion: hex(context.transactionVersion, 8),
    version: 4,
  };
}

function refused(detail: string): WebError {
  return new WebError({ code: 'EXTENSION_REFUSED', detail }, `the wallet extension did not do it: ${detail}`);
}
