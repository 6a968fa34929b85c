/**
 * @file The same blocks lead to the same state root on every version of Node and across restarts: a chain with calls of
 * all pallets, drawn from a seed, ends in pinned hashes. Signatures are not checked here, because they are random.
 */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import {
  type HexString,
  initCrypto,
  seededRandom,
  signExtrinsicV4,
  storageKeys,
  toHex,
} from '@alice/protocol';
import { type ConsensusFacts, consensusAddress, createRuntime, type Runtime } from '@alice/runtime';
import { Chain } from './Chain.js';
import { genesisOf } from './chainSpec.js';
import { ChainStore } from './store/ChainStore.js';
import { scratchDirectory } from './testing/scratchChain.js';
import {
  callEncoder,
  callNames,
  consensusKey,
  DRAWS,
  type Place,
  people,
  removeRoot,
} from './testing/seededCalls.js';
import { initHasher } from './trie/blake2.js';

/** After an intended change of what a block does, SPEC_VERSION among it, put the new values here. */
const PINNED = {
  hash: '0x6b9df5f167e684751ea3b7a50511412805159794f3531f0341659c694a8caf66',
  stateRoot: '0x8b4d909b2cddc055f1bb2fb13da7e86c3efbb3d95f64f1c6e179f6c8ee18e1bd',
  extrinsics: 640,
  failed: 164,
};
const BLOCKS = 60;
const RESTART_AFTER = 25;
/** Calls that a block makes of itself. */
const INHERENTS = ['Timestamp.set', 'Staking.report_evidence', 'Session.note_absent'];

before(async () => {
  await Promise.all([initCrypto(), initHasher()]);
});

/** Opens the chain in `dir`; its genesis is the same every time. */
function open(dir: string, runtime: Runtime): { chain: Chain; store: ChainStore } {
  const store = new ChainStore({ dir, keepStates: 64 });
  const cast = people();
  const planck = (200n * 10n ** 12n).toString();
  const genesis = genesisOf({
    chainName: 'Seeded',
    timestampMs: 1_700_000_000_000,
    balances: cast.map(({ address }) => ({ address, planck })),
    parameterServer: cast[1]!.address,
    feeCollector: cast[3]!.address,
    sudo: cast[0]!.address,
    validators: cast.slice(4, 8).map(({ address }, i) => ({
      address,
      consensusKey: toHex(consensusKey(i + 1).key),
      stakePlanck: (50n * 10n ** 12n).toString(),
    })),
    staking: { minimum_validator_stake: (10n ** 12n).toString(), session_blocks: 5, minimum_validators: 2 },
  });
  const facts = { specHash: 'seeded' };
  const make = () => ({ changes: runtime.buildGenesis(genesis), timestampMs: genesis.timestampMs, facts });
  return { chain: new Chain(store, make), store };
}

test('a chain drawn from a seed has the pinned hash and state root, with a restart in the middle', async () => {
  const runtime = createRuntime({ verifySignature: () => true });
  const encode = callEncoder(runtime);
  const random = seededRandom('state roots');
  const dir = scratchDirectory();
  const cast = people();
  const offered = new Set(INHERENTS);
  let { chain, store } = open(dir, runtime);
  let [extrinsics, failed] = [0, 0];
  for (let number = 1; number <= BLOCKS; number++) {
    const place: Place = { random, people: cast, epoch: epochOf(chain) };
    const draws = Array.from({ length: 4 + random.below(8) }, () => DRAWS[random.below(DRAWS.length)]!);
    const calls = [...draws, ...(number === BLOCKS ? [removeRoot] : [])].flatMap((draw) => draw(place));
    const nonces = new Map(
      cast.map(({ address, publicKey }) => [address, nonceOf(runtime, chain, publicKey)]),
    );
    const signed = calls.map(({ signer, ...call }) => {
      note(offered, call);
      const nonce = nonces.get(signer.address)!;
      nonces.set(signer.address, nonce + 1);
      return signExtrinsicV4({ call: encode(call), keyPair: signer, nonce, ...versions(chain, runtime) });
    });
    const input = {
      number,
      parentHash: chain.head.hash,
      timestampMs: chain.head.timestampMs + BigInt(1 + random.below(30_000)),
      extrinsics: signed,
      consensus: consensusFacts(number, random.below(4)),
    };
    const output = runtime.buildBlock(chain.headState, input);
    extrinsics += output.extrinsics.length;
    failed += output.results.filter(({ error }) => error).length;
    chain.append(input, output);
    if (number !== RESTART_AFTER) continue;
    await store.close();
    ({ chain, store } = open(dir, runtime));
  }
  const entries = [...chain.entries()].map(([key, value]) => [toHex(key), value] as const);
  assert.deepEqual(runtime.tryState(entries), []);
  assert.deepEqual([...offered].sort(), callNames(runtime).sort(), 'every call of every pallet was made');
  const { hash, header } = chain.head;
  await store.close();
  assert.deepEqual({ hash, stateRoot: header.stateRoot, extrinsics, failed }, PINNED);
});

/** Remembers a call, and the one inside it that root makes. */
function note(
  offered: Set<string>,
  { pallet, name, args }: { pallet: string; name: string; args: unknown },
): void {
  offered.add(`${pallet}.${name}`);
  const inner = (args as { call?: { type: string; value: { type: string } } } | undefined)?.call;
  if (inner) offered.add(`${inner.type}.${inner.value.type}`);
}

function epochOf(chain: Chain): number {
  const value = chain.headState.get(storageKeys.currentEpoch())!;
  return new DataView(value.buffer, value.byteOffset).getUint32(0, true);
}

function nonceOf(runtime: Runtime, chain: Chain, account: Uint8Array): number {
  const answer = runtime.call(chain.headState, 'AccountNonceApi_account_nonce', account)!;
  return new DataView(answer.buffer, answer.byteOffset).getUint32(0, true);
}

function versions({ genesisHash }: Chain, { versionJson }: Runtime) {
  const { specVersion, transactionVersion } = versionJson as Record<string, number>;
  return {
    genesisHash: genesisHash as HexString,
    specVersion: specVersion!,
    transactionVersion: transactionVersion!,
  };
}

/** Somebody is always away; now and then one signs twice. */
function consensusFacts(number: number, who: number): ConsensusFacts {
  const address = (i: number) => consensusAddress(consensusKey(i + 1).key);
  const evidence =
    number % 17 === 0
      ? [{ kind: 'DuplicateVote' as const, offender: address(who), height: BigInt(number - 1) }]
      : [];
  return { proposer: address((who + 1) % 4), evidence, absent: [address(3)] };
}
