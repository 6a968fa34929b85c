/**
 * @file Fuzzes what a chain node reads from strangers: extrinsics, JSON-RPC and ABCI frames. Inputs are mutated good
 * ones and junk. No input makes the runtime throw, gets an internal error, or takes long; a changed extrinsic is never
 * valid (one signature, one encoding); a frame cut anywhere reads as the same frame.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeRequest, FrameReader, framed, type RunningNode, startNode } from '@alice/node';
import {
  encodeCall,
  fromHex,
  type HexString,
  initCrypto,
  keyPairFromSecret,
  orderedScores,
  PLANCK_PER_ALICE,
  type Random,
  seededRandom,
  signExtrinsicV4,
  silentLogger,
  toHex,
  verifySignature,
} from '@alice/protocol';
import { createRuntime, type Runtime, type StateView } from '@alice/runtime';
import type { Fuzzer } from './fuzzer.js';
import { type Finder, hunt } from './hunt.js';

const TOO_LONG_MS = 2000;
const INTERNAL_ERROR = -32603;
const GENESIS_MS = 1_700_000_000_000;
const MOST_MUTATIONS = 6;

/** One kind of input: tries a new one, answers what became of it. */
type Target = (random: Random, found: Finder) => string | Promise<string>;

export const chainFuzzer: Fuzzer = {
  name: 'chain',
  about:
    'extrinsics, JSON-RPC and ABCI frames: no crash, no internal error, no hang, one encoding per extrinsic',
  async run({ seed, untilMs, inputs }) {
    await initCrypto();
    const dir = mkdtempSync(join(tmpdir(), 'alice-fuzz-'));
    const node = await startNode({ dir, spec: specOf(), port: 0, blockTimeMs: 200, log: silentLogger });
    try {
      const targets = [extrinsicTarget(), await rpcTarget(node), abciTarget()];
      const random = seededRandom(`fuzz/chain/${seed}`);
      return await hunt((found, input) => targets[input % targets.length]!(random, found), {
        ...{ untilMs, inputs, tooLongMs: TOO_LONG_MS, name: `chain, seed ${seed}` },
      });
    } finally {
      await node.close();
      rmSync(dir, { recursive: true, force: true });
    }
  },
};

function specOf() {
  const [alice, bob] = [keyPairFromSecret('//Alice').address, keyPairFromSecret('//Bob').address];
  const planck = (1000n * PLANCK_PER_ALICE).toString();
  return {
    chainName: 'Fuzz',
    timestampMs: GENESIS_MS,
    balances: [{ address: alice, planck }],
    parameterServer: bob,
    feeCollector: bob,
  };
}

/** A runtime with a genesis of its own, and the state as it is there. */
function scratchRuntime(genesisHash: HexString): { runtime: Runtime; state: StateView } {
  const runtime = createRuntime({ verifySignature, genesisHash: () => genesisHash });
  const [alice, bob] = ['//Alice', '//Bob'].map((secret) => keyPairFromSecret(secret).publicKey) as [
    Uint8Array,
    Uint8Array,
  ];
  const changes = runtime.buildGenesis({
    ...{ chainName: 'Fuzz', timestampMs: BigInt(GENESIS_MS), parameterServer: bob, feeCollector: bob },
    balances: [{ account: alice, planck: 1000n * PLANCK_PER_ALICE }],
  });
  return { runtime, state: { get: (key) => changes.get(toHex(key)) ?? undefined } };
}

function specimens(runtime: Runtime, genesisHash: HexString): Uint8Array[] {
  const keyPair = keyPairFromSecret('//Alice');
  const to = keyPairFromSecret('//Dave').address;
  const { specVersion, transactionVersion } = runtime.versionJson as Record<string, number>;
  const common = { keyPair, genesisHash, specVersion: specVersion!, transactionVersion: transactionVersion! };
  const root: HexString = `0x${'00'.repeat(32)}`;
  const scores = [{ address: to, role: 'training' as const, scoreNanoNats: 5n }];
  const epoch = { epoch: 0, fromVersion: 0, toVersion: 1, stateRoot: root, heldOutLossNanoNats: 3n };
  const report = { ...epoch, shardsCovered: 4, receiptsRoot: root, scores };
  return [
    encodeCall.transferKeepAlive({ to, planck: PLANCK_PER_ALICE }),
    encodeCall.submitEpoch(report),
    encodeCall.beginEpoch(report),
    encodeCall.submitScores({ epoch: 0, page: 0, scores: orderedScores(scores, scores.length) }),
  ].map((call) => signExtrinsicV4({ call, nonce: 0, ...common }));
}

function extrinsicTarget(): Target {
  const genesisHash: HexString = `0x${'11'.repeat(32)}`;
  const { runtime, state } = scratchRuntime(genesisHash);
  const good = specimens(runtime, genesisHash);
  const parentHash = genesisHash;
  return (random, found) => {
    const original = good[random.below(good.length)]!;
    const bytes = mutated(original, random);
    const isSame = Buffer.compare(bytes, original) === 0;
    try {
      const validity = runtime.validate(state, bytes);
      if (validity.valid && !isSame) found(`a changed extrinsic is valid: ${toHex(bytes)}`);
      const input = { number: 1, parentHash, timestampMs: BigInt(GENESIS_MS + 1000), extrinsics: [bytes] };
      const { dropped } = runtime.buildBlock(state, input);
      if (dropped.length === 0 && !isSame) found(`a changed extrinsic is in a block: ${toHex(bytes)}`);
      return `extrinsic ${validity.valid ? 'valid' : validity.reason}`;
    } catch (error) {
      found(`the runtime threw ${String(error)} on ${toHex(bytes)}`);
      return 'extrinsic crash';
    }
  };
}

/** Strings and numbers that parsers have tripped over. */
const ODD: readonly unknown[] = [
  ...[null, true, -1, 0, 1, 0.5, 2 ** 53, 1e308, '', '0x', '0x0', '0xzz', '0x00', [], {}, [[]], '__proto__'],
  ...[
    `0x${'ff'.repeat(32)}`,
    `0x${'00'.repeat(4000)}`,
    'a'.repeat(3000),
    { toString: 1 },
    '\u0000',
    '9'.repeat(40),
  ],
];

async function rpcTarget(node: RunningNode): Promise<Target> {
  const url = node.url.replace('ws', 'http');
  const post = async (body: string): Promise<{ status: number; text: string }> => {
    const response = await fetch(url, { method: 'POST', body });
    return { status: response.status, text: await response.text() };
  };
  const { text } = await post('{"jsonrpc":"2.0","id":1,"method":"rpc_methods"}');
  const { methods } = (JSON.parse(text) as { result: { methods: string[] } }).result;
  const hashes: unknown[] = [node.genesisHash, ...ODD];
  return async (random, found) => {
    const method = methods[random.below(methods.length)]!;
    const params = Array.from({ length: random.below(5) }, () => hashes[random.below(hashes.length)]);
    let body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    if (random.below(4) === 0) body = Buffer.from(mutated(Buffer.from(body), random)).toString('utf8');
    if (random.below(16) === 0) body = `[${body},${body}]`;
    try {
      return `rpc ${outcomeOf(await post(body), body, found)}`;
    } catch (error) {
      found(`the connection broke with ${String(error)} on ${body}`);
      return 'rpc broken';
    }
  };
}

function outcomeOf({ status, text }: { status: number; text: string }, body: string, found: Finder): string {
  if (status === 204) return 'nothing to answer';
  const reply = JSON.parse(text) as { error?: { code: number } } | { error?: { code: number } }[];
  const replies = Array.isArray(reply) ? reply : [reply];
  if (replies.some(({ error }) => error?.code === INTERNAL_ERROR)) found(`an internal error on ${body}`);
  const code = replies[0]?.error?.code;
  return code === undefined ? 'answered' : String(code);
}

/** Frames around what a CometBFT would send, changed and cut. */
function abciTarget(): Target {
  // Echo "hello" and CheckTx of three bytes, as protobuf.
  const good = ['0x0a070a0568656c6c6f', '0x3a050a03010203', '0x1a00'].map((hex) => fromHex(hex as HexString));
  return (random, found) => {
    const message = mutated(good[random.below(good.length)]!, random);
    const whole = framed(message);
    const reader = new FrameReader();
    const cut = random.below(whole.length + 1);
    const frames = [...reader.push(whole.slice(0, cut)), ...reader.push(whole.slice(cut))];
    if (frames.length !== 1 || Buffer.compare(frames[0]!, message) !== 0)
      found(`a frame cut at ${cut} does not come back: ${toHex(message)}`);
    const junk = mutated(whole, random);
    try {
      new FrameReader().push(junk);
    } catch (error) {
      if (!(error instanceof RangeError)) found(`the frame reader threw ${String(error)} on ${toHex(junk)}`);
    }
    try {
      return `abci ${decodeRequest(message).kind}`;
    } catch (error) {
      if (!(error instanceof Error)) found(`the decoder threw ${String(error)} on ${toHex(message)}`);
      return 'abci refused';
    }
  };
}

/** A copy with bits flipped, bytes put in, taken out or repeated, or nothing changed at all. */
function mutated(bytes: Uint8Array, random: Random): Uint8Array {
  let out = Buffer.from(bytes);
  for (let i = random.below(MOST_MUTATIONS); i > 0; i--) {
    const at = random.below(out.length + 1);
    const kind = random.below(5);
    if (kind === 0 && at < out.length) out[at]! ^= 1 << random.below(8);
    else if (kind === 1 && at < out.length) out[at] = [0, 1, 127, 128, 255][random.below(5)]!;
    else if (kind === 2) out = Buffer.concat([out.subarray(0, at), out.subarray(at + 1 + random.below(8))]);
    else if (kind === 3)
      out = Buffer.concat([
        out.subarray(0, at),
        Buffer.alloc(1 + random.below(9), random.below(256)),
        out.subarray(at),
      ]);
    else out = Buffer.concat([out.subarray(0, at), out.subarray(random.below(out.length + 1))]);
  }
  return new Uint8Array(out);
}
