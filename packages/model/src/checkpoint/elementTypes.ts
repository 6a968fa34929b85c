/**
 * @file Element types of stored tensors and their conversion from and to FP32. F32 and F16 are written; BF16 is read as
 * well. Bytes are little-endian in every format here; hosts of the other order are not supported by ONNX Runtime either.
 */
import { bytesOf, fromHalves, toHalves } from '@alice/protocol';

export type FloatType = 'F32' | 'F16' | 'BF16';
/** What the writers offer. F16 loses nothing of published weights, which are FP16 already. */
export type StoredType = 'F32' | 'F16';

export const elementBytes: Readonly<Record<FloatType | 'U8', number>> = { F32: 4, F16: 2, BF16: 2, U8: 1 };

export function isFloatType(name: string): name is FloatType {
  return name === 'F32' || name === 'F16' || name === 'BF16';
}

/** FP32 values → stored bytes; F16 rounds to nearest even and clamps to the largest finite half. */
export function storedBytes(values: Float32Array, type: StoredType): Uint8Array {
  return bytesOf(type === 'F32' ? values : toHalves(values, { saturate: true }));
}

/** Stored bytes → FP32 values, exactly. `bytes` must start on a multiple of four of its buffer. */
export function floatsOf(bytes: Uint8Array, type: FloatType): Float32Array {
  const { buffer, byteOffset, byteLength } = bytes;
  if (type === 'F32') return new Float32Array(buffer, byteOffset, byteLength / 4);
  const halves = new Uint16Array(buffer, byteOffset, byteLength / 2);
  if (type === 'F16') return fromHalves(halves);
  const bits = Uint32Array.from(halves, (half) => half << 16); // BF16 is the upper half of FP32
  return new Float32Array(bits.buffer);
}
