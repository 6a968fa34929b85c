/** @file The wallet without a browser: what is stored, what is signed, what is refused before it costs a fee. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { concatBytes, fromHex, initCrypto, keyPairFromSecret, toHex, verifySignature } from '@alice/protocol';
import { TypeRegistry } from '@polkadot/types';
import fc from 'fast-check';
import type { ChainReader } from '../chain/ChainReader.js';
import { placesAsked } from './addWallet.js';
import { payloadOf } from './extension.js';
import { keystoreOfPhrase, transferCall, transferWithSignature, unlock } from './keys.js';
import { checkAmounts, type Progress, sendAndFollow } from './transfer.js';
import { WalletStore } from './walletStore.js';

const PHRASE = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk';
before(initCrypto);

const codeOf = (run: () => unknown): string => {
  try {
    run();
    return 'ok';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

function memory(first?: string) {
  const kept = new Map(first === undefined ? [] : [['alice.wallets', first]]);
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    kept,
  };
}

test('wallets are kept encrypted or not at all, and foreign data is not written over', async () => {
  const keystore = await keystoreOfPhrase(PHRASE, 'long enough', 'one');
  const { address } = keystore;
  const store = memory();
  const wallets = new WalletStore(store);
  wallets.add({ name: 'one', address, keystore });
  wallets.add({ name: 'renamed', address, keystore });
  assert.deepEqual(
    wallets.list().map(({ name }) => name),
    ['renamed'],
  );
  const text = store.kept.get('alice.wallets')!;
  const { secretKey } = keyPairFromSecret(PHRASE);
  for (const secret of [
    'bottom drive',
    'long enough',
    toHex(secretKey).slice(2, 40),
    Buffer.from(secretKey).toString('base64').slice(0, 30),
  ])
    assert.ok(!text.includes(secret));
  const open = { ...keystore, encoding: { ...keystore.encoding, type: ['none'] } };
  assert.equal(
    codeOf(() => wallets.add({ name: 'open', address, keystore: open })),
    'WALLET_INPUT',
  );
  wallets.remove(address);
  assert.deepEqual(wallets.list(), []);
  for (const foreign of ['{', '{}', '[1]', '[{"name":"x"}]']) {
    const other = memory(foreign);
    assert.equal(
      codeOf(() => new WalletStore(other).add({ name: 'one', address, keystore })),
      'WALLET_STORE',
      foreign,
    );
    assert.equal(other.kept.get('alice.wallets'), foreign);
  }
  assert.equal((await unlock(keystore, 'long enough')).address, address);
  await assert.rejects(unlock(keystore, 'wrong one'), { code: 'KEYSTORE_PASSWORD' });
  await assert.rejects(keystoreOfPhrase(PHRASE, 'short', 'x'), { code: 'WALLET_INPUT' });
  await assert.rejects(keystoreOfPhrase('not a phrase', 'long enough', 'x'), { code: 'MNEMONIC_INVALID' });
});

test('what an extension signs by polkadot.js rules is what the chain checks', async () => {
  const pair = keyPairFromSecret(PHRASE);
  const call = await transferCall({ from: pair.address, to: keyPairFromSecret('//Bob').address, planck: 5n });
  const genesisHash = `0x${'cd'.repeat(32)}` as const;
  const context = { nonce: 300, genesisHash, specVersion: 3, transactionVersion: 2 };
  const payload = payloadOf(pair.address, call, context);
  const registry = new TypeRegistry();
  registry.setSignedExtensions(payload['signedExtensions'] as string[]);
  const theirs = registry.createType('ExtrinsicPayload', payload, { version: 4 }).toU8a({ method: true });
  const signature = pair.sign(theirs);
  const extrinsic = transferWithSignature(call, { from: pair.address, signature }, context);
  const extra = Uint8Array.of(0, ...[0xb1, 0x04], 0, 0);
  const body = concatBytes(Uint8Array.of(0x84, 0), pair.publicKey, Uint8Array.of(1), signature, extra, call);
  assert.deepEqual(extrinsic.subarray(2), body);
  const signed = concatBytes(
    call,
    extra,
    fromHex('0x0300000002000000'),
    fromHex(genesisHash),
    fromHex(genesisHash),
    Uint8Array.of(0),
  );
  assert.ok(verifySignature(signed, signature, pair.publicKey));
});

test('amounts the chain would refuse are refused before the fee is lost', () => {
  const check = (planck: bigint, receiver = 1000n) =>
    codeOf(() =>
      checkAmounts(
        { transfer: { from: 'a', to: 'b', planck }, feePlanck: 10n, freePlanck: 1000n },
        { depositPlanck: 500n, receiver },
      ),
    );
  assert.deepEqual(
    [0n, 490n, 491n, 990n, 991n].map((n) => check(n)),
    ['WALLET_INPUT', 'ok', 'WALLET_INPUT', 'WALLET_INPUT', 'WALLET_INPUT'],
  );
  assert.deepEqual([check(400n, 0n), check(400n, 100n)], ['WALLET_INPUT', 'ok']);
});

/** A node in the test's hands: `statuses` are its answers, one at each head. */
function followed(statuses: readonly (object | Error)[], submit: () => unknown = () => '0x') {
  let head: () => void = () => undefined;
  const submitted: unknown[] = [];
  let at = 0;
  const call = async (method: string, [first]: unknown[]): Promise<unknown> => {
    if (method === 'author_submitExtrinsic') {
      submitted.push(first);
      return submit();
    }
    const status = statuses[Math.min(at++, statuses.length - 1)]!;
    if (status instanceof Error) throw status;
    return status;
  };
  const onHead = (listener: () => void) => {
    head = listener;
    return () => {
      head = () => undefined;
    };
  };
  const stages: Progress[] = [];
  const outcome = sendAndFollow(
    { socket: { call }, onHead } as unknown as ChainReader,
    Uint8Array.of(1, 2),
    (p) => stages.push(p),
  );
  outcome.catch(() => undefined);
  const heads = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      head();
    }
  };
  return { outcome, heads, submitted, stages };
}

const away = Object.assign(new Error('away'), {
  code: 'CHAIN_UNREACHABLE',
  info: { code: 'CHAIN_UNREACHABLE' },
});

test('a transfer is followed into its block through an outage, with the same bytes if handed in again', async () => {
  const run = followed([
    away,
    { status: 'unknown' },
    { status: 'pool' },
    { status: 'included', blockNumber: 9 },
  ]);
  await run.heads(4);
  assert.equal(await run.outcome, 9);
  assert.deepEqual(run.submitted, ['0x0102', '0x0102']);
  assert.deepEqual(
    run.stages.map(({ stage }) => stage),
    ['sending', 'away', 'pool', 'included'],
  );
});

test('a lost answer to handing in is followed up; a refusal and a failed call are told apart', async () => {
  const lost = followed([{ status: 'included', blockNumber: 4 }], () => {
    throw away;
  });
  await lost.heads(1);
  assert.equal(await lost.outcome, 4);
  const failed = followed([{ status: 'included', blockNumber: 4, error: 'Balances.Expendability' }]);
  await failed.heads(1);
  await assert.rejects(failed.outcome, { code: 'TRANSFER_FAILED', message: /only the fee was paid/ });
  const dropped = followed([{ status: 'unknown', error: 'Payment' }]);
  await dropped.heads(1);
  await assert.rejects(dropped.outcome, { code: 'TRANSFER_FAILED', message: /nothing was paid/ });
});

test('the words asked for are different places in order', () => {
  fc.assert(
    fc.property(fc.uint32Array({ minLength: 3, maxLength: 3 }), (random) => {
      const places = placesAsked(12, 3, random);
      assert.equal(new Set(places).size, 3);
      assert.ok(places.every((place, i) => place >= 0 && place < 12 && (i === 0 || place > places[i - 1]!)));
    }),
  );
});
