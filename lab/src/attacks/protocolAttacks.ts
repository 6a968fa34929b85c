/**
 * @file Attacks on the protocol of a server, not on its training: replayed nonces, malformed bodies, slow senders, stolen
 * tokens, floods. Each returns the codes it was answered with. Sends only to the server it is given.
 */
import { connect } from 'node:net';
import { deflateSync } from 'node:zlib';
import {
  encodeAnySubmission,
  headerForTask,
  type SparseDelta,
  SUBMISSION_HEADER_BYTES,
  seededRandom,
  type Task,
  type TensorLayout,
  type WireFormat,
  wholeTask,
} from '@alice/protocol';
import { Intruder } from './Intruder.js';

export interface Target {
  readonly url: string;
  readonly layout: TensorLayout;
  /** An honest miner's address: its published receipts may be used against it. */
  readonly honestAddress: string;
}

export interface ProtocolAttack {
  readonly name: string;
  readonly about: string;
  /** Waits for timeouts, or for work to be merged. */
  readonly isSlow?: boolean;
  /** What it was answered, one code a try, in order. */
  run(target: Target): Promise<readonly string[]>;
}

const LORIS_SOCKETS = 40;
const LORIS_BYTE_MS = 100;
const LORIS_LIMIT_MS = 60_000;
const FLOOD = 400;
/** Deflated a thousandth of it: small enough to be read. */
const BOMB_BYTES = 20_000_000;
const OVERSIZED_BYTES = 20_000_000;
const TOKEN_FORGOTTEN_MS = 30_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Well-formed, of no use: small values at random places. */
function junk(layout: TensorLayout, seed: string, size = 1): SparseDelta {
  const random = seededRandom(seed);
  return {
    tensors: layout.tensors.map(({ size: elements }, tensor) => {
      const places = new Set(Array.from({ length: 8 }, () => random.below(elements)));
      const indices = Uint32Array.from([...places].sort((a, b) => a - b));
      return { tensor, indices, values: Float32Array.from(indices, () => size * 1e-4 * (1 + random.unit())) };
    }),
  };
}

function encode(
  task: Task,
  delta: SparseDelta,
  {
    layout,
    format = task.settings.format ?? { wire: 'binary_v2' },
  }: { layout: TensorLayout; format?: WireFormat },
): Promise<Uint8Array> {
  const header = headerForTask(task, wholeTask(task, 5));
  return encodeAnySubmission(header, delta, { layout, format });
}

/** Bodies made for one task by a new identity, sent one after another. */
const malformed =
  (name: string, bodies: (task: Task, layout: TensorLayout) => Promise<readonly Uint8Array[]>) =>
  async ({ url, layout }: Target): Promise<string[]> => {
    const intruder = await new Intruder(url, name).register();
    const task = await intruder.task();
    const codes: string[] = [];
    for (const body of await bodies(task, layout)) codes.push((await intruder.submit(task, body)).code);
    return codes;
  };

/** A value section with a scale of infinity: found where the same delta of other sizes differs, in no other place. */
async function infiniteScales(task: Task, layout: TensorLayout): Promise<Uint8Array> {
  const [once, twice] = [
    await encode(task, junk(layout, 'nan'), { layout }),
    await encode(task, junk(layout, 'nan', 4), { layout }),
  ];
  return once.map((byte, i) => (i >= SUBMISSION_HEADER_BYTES && byte !== twice[i] ? 0xff : byte));
}

/** Places of a model whose last tensor is twice as long, and of one that has a tensor more. */
async function beyondTheEnd(task: Task, layout: TensorLayout): Promise<Uint8Array[]> {
  const end = layout.tensors.length - 1;
  const last = layout.tensors[end]!;
  const longer = { ...last, size: 2 * last.size };
  const more = { ...last, offset: layout.size };
  const values = new Float32Array(2).fill(1e-3);
  return [
    await encode(
      task,
      { tensors: [{ tensor: end, indices: Uint32Array.of(last.size, 2 * last.size - 1), values }] },
      { layout: { ...layout, tensors: layout.tensors.with(end, longer) } },
    ),
    await encode(
      task,
      { tensors: [{ tensor: end + 1, indices: Uint32Array.of(0, 1), values }] },
      { layout: { ...layout, tensors: [...layout.tensors, more] } },
    ),
  ];
}

/** Sends one byte at a time until it is cut off; the status it was told, or `cut off`. */
function dribble(url: string, start: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write(start));
    const timer = setInterval(() => socket.write('x'), LORIS_BYTE_MS);
    const limit = setTimeout(() => socket.destroy(), LORIS_LIMIT_MS);
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(timer);
      clearTimeout(limit);
      resolve(/^HTTP\/1\.1 (\d+)/.exec(text)?.[0].replace('/1.1', '') ?? 'cut off');
    });
  });
}

async function replay({ url, layout, honestAddress }: Target): Promise<string[]> {
  const intruder = await new Intruder(url, 'replay').register();
  const other = await new Intruder(url, 'replay-other').register();
  const task = await intruder.task();
  const own = await encode(task, junk(layout, 'replay'), { layout });
  const codes = [(await other.submit(task, own)).code];
  await intruder.submit(task, own); // the one that is taken
  codes.push((await intruder.submit(task, own)).code);
  codes.push((await intruder.submit(task, await encode(task, junk(layout, 'replay 2'), { layout }))).code);
  const { body } = await other.send('GET', `/v1/miners/${honestAddress}/receipts`);
  const taken = (body.receipts as { submissionId: string; outcome: string }[]).find(
    ({ outcome }) => outcome === 'accepted',
  );
  if (!taken) return codes;
  const blob = (await other.send('GET', `/v1/receipts/${taken.submissionId}/blob`)).bytes;
  const next = await other.task();
  codes.push((await other.submit(next, blob)).code);
  const dressed = blob.slice();
  dressed.set((await encode(next, junk(layout, 'header'), { layout })).subarray(0, HEADER_IDENTITY_BYTES));
  const sent = await other.submit(next, dressed);
  codes.push(sent.status === 202 ? await verdictOf(other, sent.body.submissionId) : sent.code);
  return codes;
}
/** What of a header binds a body to its task, from the magic to the inner steps (docs/spec/wire.md). */
const HEADER_IDENTITY_BYTES = 98;

/** What a submission that was taken came to in the end. */
async function verdictOf(intruder: Intruder, submissionId: string): Promise<string> {
  for (;;) {
    const { body } = await intruder.send('GET', `/v1/submissions/${submissionId}`);
    if (body.status !== 'queued') return body.code ?? body.status;
    await pause(500);
  }
}

async function stealToken({ url, layout }: Target): Promise<string[]> {
  const victim = await new Intruder(url, 'victim').register();
  const thief = new Intruder(url, 'thief');
  thief.token = victim.token;
  const task = await thief.task();
  const sent = await thief.submit(task, await encode(task, junk(layout, 'stolen'), { layout }));
  const codes = [`as the victim: ${sent.status}`];
  await victim.register();
  const startMs = performance.now();
  for (;;) {
    const { code } = await thief.send('GET', '/v1/data/shards');
    if (code === 'ok' && performance.now() - startMs < TOKEN_FORGOTTEN_MS) await pause(500);
    else return [...codes, code, (await new Intruder(url, 'thief').send('POST', '/v1/tasks', {})).code];
  }
}

export const protocolAttacks: readonly ProtocolAttack[] = [
  {
    name: 'nonce-replay',
    about: "a body twice, changed, under another's name; a merged one as it is and under a new header",
    isSlow: true,
    run: replay,
  },
  {
    name: 'slow-loris',
    about: `${LORIS_SOCKETS} connections that send a byte every ${LORIS_BYTE_MS} ms, half in the header, half in the body`,
    isSlow: true,
    run: ({ url }) =>
      Promise.all(
        Array.from({ length: LORIS_SOCKETS }, (_, i) =>
          dribble(
            url,
            i % 2 === 0
              ? 'GET /v1/status HTTP/1.1\r\nhost: x\r\nx-slow: '
              : 'POST /v1/register/challenge HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10000\r\n\r\n{',
          ),
        ),
      ),
  },
  {
    name: 'zip-bomb',
    about: `${BOMB_BYTES / 1e6} MB of zeros deflated behind a sound header`,
    run: malformed('bomb', async (task, layout) => {
      const sound = await encode(task, junk(layout, 'bomb'), { layout, format: { wire: 'binary_v2' } });
      const bomb = deflateSync(Buffer.alloc(BOMB_BYTES));
      return [Buffer.concat([sound.subarray(0, SUBMISSION_HEADER_BYTES), bomb])];
    }),
  },
  {
    name: 'index-overflow',
    about: 'places beyond the end of a tensor, and a tensor that is not there',
    run: malformed('overflow', beyondTheEnd),
  },
  {
    name: 'nan',
    about: 'values that are not finite',
    run: malformed('nan', async (task, layout) => [await infiniteScales(task, layout)]),
  },
  {
    name: 'oversized',
    about: `a body of ${OVERSIZED_BYTES / 1e6} MB`,
    run: malformed('oversized', async () => [new Uint8Array(OVERSIZED_BYTES)]),
  },
  {
    name: 'truncated',
    about: 'a sound body without its end, without all but its start, and nothing',
    run: malformed('truncated', async (task, layout) => {
      const sound = await encode(task, junk(layout, 'truncated'), { layout });
      return [sound.subarray(0, sound.length - 7), sound.subarray(0, 20), new Uint8Array()];
    }),
  },
  {
    name: 'token-theft',
    about: "another's token used, until its owner registers again",
    isSlow: true,
    run: stealToken,
  },
  {
    name: 'registration-flood',
    about: `${FLOOD} registrations begun at once`,
    run: async ({ url }) => {
      const intruder = new Intruder(url, 'flood');
      const replies = await Promise.all(
        Array.from({ length: FLOOD }, (_, i) => intruder.challenge(`flood-${i}`)),
      );
      return replies.map(({ code }) => code);
    },
  },
];

const NAMES = [
  ...['replay', 'replay-other', 'bomb', 'overflow', 'nan', 'oversized', 'truncated'],
  ...['victim', 'thief', 'flood'],
];

/** The identities that attack, to be looked up in what the server paid. */
export function attackers(): string[] {
  return NAMES.map((name) => new Intruder('', name).key.address);
}
