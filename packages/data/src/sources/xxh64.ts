/**
 * @file XXH64, the hash by which zstd frames guard their content (Collet, xxHash specification 0.1.1; RFC 8878 §3.1.1).
 * Only the low 32 bits, which is what a frame keeps. 64-bit arithmetic on 32-bit halves: an order of magnitude faster
 * than BigInt. A checksum against damage, not against malice.
 */

const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;
const MASK = (1n << 64n) - 1n;
const STRIPE_BYTES = 32;

/** Low and high half of the last product: functions return one number. */
let productLow = 0;
let productHigh = 0;

/** (a·b) mod 2⁶⁴ of halves, into `productLow` and `productHigh`; b is given in 16-bit and 32-bit parts. */
function multiply(aLow: number, aHigh: number, b0: number, b1: number, bLow: number, bHigh: number): void {
  const a0 = aLow & 0xffff;
  const a1 = aLow >>> 16;
  const t = a0 * b0;
  const u = a1 * b0 + (t >>> 16);
  const w = a0 * b1 + (u & 0xffff);
  productLow = (w << 16) | (t & 0xffff);
  productHigh = (a1 * b1 + (u >>> 16) + (w >>> 16) + Math.imul(aLow, bHigh) + Math.imul(aHigh, bLow)) | 0;
}

/** A stream's checksum; the same whatever pieces the stream comes in. */
export class Xxh64 {
  /** Four accumulators, low and high half each. */
  readonly #lanes = new Int32Array(8);
  readonly #tail = Buffer.alloc(STRIPE_BYTES);
  #tailBytes = 0;
  #total = 0;

  constructor() {
    for (const [i, start] of [P1 + P2, P2, 0n, -P1].entries()) {
      this.#lanes[2 * i] = Number(BigInt.asIntN(32, start));
      this.#lanes[2 * i + 1] = Number(BigInt.asIntN(32, start >> 32n));
    }
  }

  update(bytes: Uint8Array): void {
    const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#total += data.length;
    let at = 0;
    if (this.#tailBytes > 0) {
      at = data.copy(this.#tail, this.#tailBytes);
      this.#tailBytes += at;
      if (this.#tailBytes < STRIPE_BYTES) return;
      this.#stripes(this.#tail, 0, STRIPE_BYTES);
    }
    const end = at + Math.floor((data.length - at) / STRIPE_BYTES) * STRIPE_BYTES;
    this.#stripes(data, at, end);
    this.#tailBytes = data.copy(this.#tail, 0, end);
  }

  #stripes(data: Buffer, from: number, end: number): void {
    const lanes = this.#lanes;
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    for (let at = from; at < end; at += STRIPE_BYTES)
      for (let lane = 0; lane < 8; lane += 2) {
        multiply(
          view.getInt32(at + 4 * lane, true),
          view.getInt32(at + 4 * lane + 4, true),
          0xeb4f,
          0x27d4,
          0x27d4eb4f,
          0xc2b2ae3d,
        );
        const low = (lanes[lane]! >>> 0) + (productLow >>> 0);
        const high = (lanes[lane + 1]! + productHigh + (low > 0xffffffff ? 1 : 0)) | 0;
        // Rotation by 31.
        multiply(
          (low << 31) | (high >>> 1),
          (high << 31) | ((low | 0) >>> 1),
          0xca87,
          0x85eb,
          0x85ebca87,
          0x9e3779b1,
        );
        lanes[lane] = productLow;
        lanes[lane + 1] = productHigh;
      }
  }

  /** The low 32 bits of the hash of all bytes so far, unsigned. */
  low32(): number {
    const lanes = [0, 1, 2, 3].map(
      (i) => (BigInt(this.#lanes[2 * i + 1]! >>> 0) << 32n) | BigInt(this.#lanes[2 * i]! >>> 0),
    );
    let hash = P5;
    if (this.#total >= STRIPE_BYTES) {
      hash = [1n, 7n, 12n, 18n].reduce((sum, by, i) => (sum + rotated(lanes[i]!, by)) & MASK, 0n);
      for (const lane of lanes) hash = ((hash ^ round(lane)) * P1 + P4) & MASK;
    }
    hash = (hash + BigInt(this.#total)) & MASK;
    let at = 0;
    for (; at + 8 <= this.#tailBytes; at += 8)
      hash = (rotated(hash ^ round(this.#tail.readBigUInt64LE(at)), 27n) * P1 + P4) & MASK;
    if (at + 4 <= this.#tailBytes) {
      hash = (rotated(hash ^ ((BigInt(this.#tail.readUInt32LE(at)) * P1) & MASK), 23n) * P2 + P3) & MASK;
      at += 4;
    }
    for (; at < this.#tailBytes; at++)
      hash = (rotated(hash ^ ((BigInt(this.#tail[at]!) * P5) & MASK), 11n) * P1) & MASK;
    hash = ((hash ^ (hash >> 33n)) * P2) & MASK;
    hash = ((hash ^ (hash >> 29n)) * P3) & MASK;
    return Number((hash ^ (hash >> 32n)) & 0xffffffffn);
  }
}

function rotated(value: bigint, by: bigint): bigint {
  return ((value << by) | (value >> (64n - by))) & MASK;
}

function round(lane: bigint): bigint {
  return (rotated((lane * P2) & MASK, 31n) * P1) & MASK;
}
