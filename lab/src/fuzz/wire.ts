/**
 * @file Fuzzes the decoders of `binary_v2` and `binary_v3`. Inputs are junk, mutated submissions, and well-formed frames
 * around mutated bodies, so that most get past the header. For each: only a result or a `WireError`; memory in proportion
 * to what arrived; no input takes long; what `binary_v3` accepts encodes to the very same bytes; and checked on arrival, in
 * parts, it is accepted or refused as in the whole.
 */
import { deflateSync, inflateSync } from 'node:zlib';
import {
  checkArriving,
  decodeAnySubmission,
  encodeAnySubmission,
  isCodedError,
  layoutOf,
  type Random,
  type SparseDelta,
  SUBMISSION_HEADER_BYTES,
  seededRandom,
  type TensorLayout,
  toHex,
  WireError,
  type WireFormat,
} from '@alice/protocol';
import { countAllocations, takeCount } from './allocations.js';
import type { Fuzzer } from './fuzzer.js';
import { type Finder, hunt } from './hunt.js';

/** As many of one version as of the other. */
const FORMATS: readonly WireFormat[] = [
  { wire: 'binary_v2' },
  { wire: 'binary_v2' },
  { wire: 'binary_v2' },
  { wire: 'binary_v3', valueBits: 8 },
  { wire: 'binary_v3', valueBits: 4 },
  { wire: 'binary_v3', valueBits: 2 },
];
/** The second claims to be large: a decoder that believes counts would take gigabytes. */
const LAYOUTS = [
  layoutOf([
    ['a', [5000]],
    ['b', [7]],
    ['c', [4097]],
  ]),
  layoutOf([
    ['small', [300]],
    ['large', [2 ** 22]],
  ]),
];
const SEEDS_EACH = 6;
const TOO_LONG_MS = 1000;
const VERSION_AT = 4;
/** Deflate expands at most 1,032 times, entries of two bits 48 times; tables and count lists are the constant. */
const EXPANSION = { binary_v2: 2400, binary_v3: 64 };
const CONSTANT_BYTES = 2 ** 20;

interface Specimen {
  readonly bytes: Uint8Array;
  /** What follows the header, as it is before it is deflated. */
  readonly body: Uint8Array;
  readonly format: WireFormat;
  readonly layout: TensorLayout;
}

export const wireFuzzer: Fuzzer = {
  name: 'wire',
  about: 'decoders of submissions: no crash, no hang, no over-allocation, one encoding per content',
  async run({ seed, untilMs, inputs }) {
    const random = seededRandom(`fuzz/${seed}`);
    const specimens = await makeSpecimens(random);
    for (const specimen of specimens) await decodeAnySubmission(specimen.bytes, limitsOf(specimen)); // tables made
    const restore = countAllocations();
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0; // most inputs end in an error whose stack nobody reads: a sixth of the time
    const tryOne = (found: Finder) => {
      const specimen = pick(specimens, random);
      return attempt({ ...specimen, bytes: mutate(specimen, random) }, found);
    };
    try {
      return await hunt(tryOne, { untilMs, inputs, tooLongMs: TOO_LONG_MS, name: `wire, seed ${seed}` });
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
      restore();
    }
  },
};

/** Half of the draws see only the first half, and so on: each doubling of size as often again, so that small ones are many. */
function pick(specimens: readonly Specimen[], random: Random): Specimen {
  const most = Math.max(1, specimens.length >> random.below(4));
  return specimens[random.below(most)]!;
}

/** What became of it, behind the version of the format that its fifth byte names. */
async function attempt(input: Specimen, tell: Finder): Promise<string> {
  const { bytes, layout } = input;
  const version = bytes[VERSION_AT] === 3 ? 'v3' : 'v2';
  const found: Finder = (what) => tell(`${what}; layout ${LAYOUTS.indexOf(layout)}, input ${toHex(bytes)}`);
  return `${version} ${await outcomeOf(input, found)}`;
}

async function outcomeOf(input: Specimen, found: Finder): Promise<string> {
  const { bytes, layout } = input;
  const passes = bytes[VERSION_AT] === 3 ? passesOnArrival(input, found) : undefined;
  const agrees = (isAccepted: boolean): void => {
    if (passes !== undefined && passes !== isAccepted)
      found(`on arrival ${passes}, as a whole ${isAccepted}`);
  };
  takeCount();
  try {
    const { header, delta, format } = await decodeAnySubmission(bytes, limitsOf(input));
    checkMemory(bytes, found);
    agrees(true);
    if (!isSound(delta, layout)) found('accepted, but no delta of this layout');
    if (format.wire === 'binary_v3') {
      const again = await encodeAnySubmission(header, delta, { layout, format });
      if (Buffer.compare(again, bytes) !== 0) found('accepted, but its content encodes to other bytes');
    }
    return 'accepted';
  } catch (error) {
    checkMemory(bytes, found);
    if (error instanceof WireError && isCodedError(error)) {
      agrees(false);
      return error.info.code;
    }
    found(`threw ${String(error)}`);
    return 'crash';
  }
}

/** Ascending places inside their tensors, and values that are numbers: what all that follows relies on. */
function isSound({ tensors }: SparseDelta, layout: TensorLayout): boolean {
  return tensors.every(({ tensor, indices, values }, i) => {
    const isNext = i === 0 || tensor > tensors[i - 1]!.tensor;
    const ascends = indices.every((index, j) => j === 0 || index > indices[j - 1]!);
    const isInside = (indices.at(-1) ?? 0) < layout.tensors[tensor]!.size;
    return isNext && ascends && isInside && values.length === indices.length && values.every(Number.isFinite);
  });
}

/** In parts of sizes that follow from the bytes. */
function passesOnArrival(input: Specimen, found: Finder): boolean {
  const { bytes } = input;
  try {
    const body = checkArriving(bytes.subarray(0, SUBMISSION_HEADER_BYTES), limitsOf(input))!;
    for (let at = SUBMISSION_HEADER_BYTES; at < bytes.length; ) {
      const part = bytes.slice(at, at + 1 + (bytes[at]! << (bytes.length & 7)));
      body.add(part);
      at += part.length;
    }
    body.end();
    return true;
  } catch (error) {
    if (!(error instanceof WireError)) found(`on arrival threw ${String(error)}`);
    return false;
  }
}

function checkMemory(bytes: Uint8Array, found: (what: string) => void): void {
  const taken = takeCount();
  const allowed =
    CONSTANT_BYTES + EXPANSION[bytes[VERSION_AT] === 3 ? 'binary_v3' : 'binary_v2'] * bytes.length;
  if (taken > allowed) found(`took ${taken} bytes of memory for ${bytes.length} received`);
}

function limitsOf({ layout }: Specimen): Parameters<typeof decodeAnySubmission>[1] {
  return { layout, maxEntries: layout.size, maxInflatedBytes: 8 * layout.size };
}

async function makeSpecimens(random: Random): Promise<Specimen[]> {
  const specimens: Specimen[] = [];
  for (const layout of LAYOUTS)
    for (const format of FORMATS)
      for (let i = 0; i < SEEDS_EACH; i++) {
        // binary_v2 writes every empty chunk out: the large layout would make its inputs slow without making them new.
        const isLarge = layout.size > 2 ** 20 && format.wire === 'binary_v3' && i === 0;
        const delta = randomDelta(random, layout, { entries: 1 << (2 * i), isLarge });
        const bytes = await encodeAnySubmission(randomHeader(random), delta, { layout, format });
        const sent = bytes.subarray(SUBMISSION_HEADER_BYTES);
        const body = format.wire === 'binary_v2' ? new Uint8Array(inflateSync(sent)) : sent;
        specimens.push({ bytes, body, format, layout });
      }
  return specimens.sort((a, b) => a.bytes.length - b.bytes.length);
}

function randomDelta(
  random: Random,
  layout: TensorLayout,
  { entries, isLarge }: { entries: number; isLarge: boolean },
): SparseDelta {
  const tensors = layout.tensors.flatMap(({ size }, tensor) => {
    if (size > 2 ** 20 && !isLarge) return [];
    const chosen = new Set(Array.from({ length: Math.min(entries, size) }, () => random.below(size)));
    const indices = Uint32Array.from(chosen).sort();
    return [{ tensor, indices, values: Float32Array.from(indices, () => random.normal()) }];
  });
  return { tensors };
}

function randomHeader(random: Random): Parameters<typeof encodeAnySubmission>[0] {
  const hex = (sizeBytes: number): `0x${string}` =>
    toHex(Uint8Array.from({ length: sizeBytes }, () => random.below(256)));
  return {
    taskId: hex(16),
    nonce: hex(32),
    stateRoot: hex(32),
    baseVersion: random.below(1000),
    innerSteps: 1 + random.below(100),
    tokens: random.u32(),
    meanTrainingLossNats: random.unit(),
  };
}

type Mutation = (specimen: Specimen, random: Random) => Uint8Array;

const flipAnywhere: Mutation = ({ bytes }, random) => flipped(bytes, random, 0);
const flipBody: Mutation = ({ bytes }, random) => flipped(bytes, random, SUBMISSION_HEADER_BYTES);
/** Bytes of the header that say how much follows. */
const COUNTS_AT = [98, 99, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115];

const lieAboutCounts: Mutation = ({ bytes }, random) => {
  const copy = bytes.slice();
  for (let i = 0; i <= random.below(3); i++)
    copy[COUNTS_AT[random.below(COUNTS_AT.length)]!] = random.below(256);
  return copy;
};

const cut: Mutation = ({ bytes }, random) => bytes.slice(0, random.below(bytes.length));

const junk: Mutation = ({ bytes }, random) => {
  const made = Uint8Array.from({ length: random.below(300) }, () => random.below(256));
  made.set(bytes.subarray(0, Math.min(random.below(2) * SUBMISSION_HEADER_BYTES, made.length)));
  return made;
};

/** A new body of about the same length behind a header that is right about its length. */
const rebuildBody: Mutation = ({ bytes, body, format }, random) => {
  const head = bytes.subarray(0, SUBMISSION_HEADER_BYTES);
  const shift = random.below(3) === 0 ? random.below(9) - 4 : 0;
  const other = new Uint8Array(Math.max(1, body.length + shift));
  other.set(body.subarray(0, other.length));
  for (let i = 0; i <= random.below(4); i++) other[random.below(other.length)] = random.below(256);
  const coded = format.wire === 'binary_v2' ? deflateSync(other, { level: 1 }) : other;
  const made = new Uint8Array(SUBMISSION_HEADER_BYTES + coded.length);
  made.set(head);
  made.set(coded, SUBMISSION_HEADER_BYTES);
  const view = new DataView(made.buffer);
  if (format.wire === 'binary_v2') view.setUint32(108, other.length, true);
  view.setUint32(112, coded.length, true);
  return made;
};

const MUTATIONS: readonly Mutation[] = [
  flipAnywhere,
  flipBody,
  flipBody,
  rebuildBody,
  rebuildBody,
  lieAboutCounts,
  cut,
  junk,
];

function mutate(specimen: Specimen, random: Random): Uint8Array {
  return MUTATIONS[random.below(MUTATIONS.length)]!(specimen, random);
}

function flipped(bytes: Uint8Array, random: Random, from: number): Uint8Array {
  const copy = bytes.slice();
  for (let i = 0; i <= random.below(4); i++)
    copy[from + random.below(copy.length - from)]! ^= 1 << random.below(8);
  return copy;
}
