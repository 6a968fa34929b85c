/**
 * @file Newton–Schulz orthogonalisation as graphs on the engine: one session for each shape of matrix, all matrices of
 * that shape in one batch. The same arithmetic as `orthogonalizeInJavaScript`, in FP32 throughout.
 */
import {
  add,
  constant,
  input,
  matmul,
  mul,
  openSession,
  type Platform,
  type Session,
  scalar,
  tensorOf,
  type Value,
} from '@alice/engine';
import { type MatrixBatch, NEWTON_SCHULZ, normalizeMatrices, type Orthogonalize } from './orthogonalize.js';

export interface OrthogonalizerOptions {
  /** Threads of one run. */
  readonly threads: number;
  /** Where graphs run; Node's CPU unless given. */
  readonly platform?: Platform | undefined;
}

export interface Orthogonalizer {
  readonly orthogonalize: Orthogonalize;
  dispose(): Promise<void>;
}

/** Sessions are opened when their shape is first seen: who takes steps on a device needs none. */
export function openOrthogonalizer(options: OrthogonalizerOptions): Orthogonalizer {
  const sessions = new Map<string, Promise<Session>>();
  const sessionFor = (batch: MatrixBatch): Promise<Session> => {
    const known = sessions.get(keyOf(batch));
    if (known) return known;
    const opened = openSession({ result: graphOf(batch) }, options);
    sessions.set(keyOf(batch), opened);
    return opened;
  };
  return {
    orthogonalize: async (matrices, batch) => {
      const session = await sessionFor(batch);
      const shape = shapeOf(batch);
      const scaled = matrices.slice();
      normalizeMatrices(scaled, batch);
      const { result } = await session.run({ matrices: tensorOf(scaled, shape) });
      return result!.data as Float32Array;
    },
    dispose: async () => {
      for (const session of sessions.values()) await (await session).release();
    },
  };
}

/** X ← (aI + A(bI + cA))X, A = XXᵀ: (N, R, C) → (N, R, C). Horner's form keeps element-wise work on (R, R). */
function graphOf(batch: MatrixBatch): Value {
  const { a, b, c, iterations } = NEWTON_SCHULZ;
  let x: Value = input('matrices', shapeOf(batch)); // (N, R, C)
  for (let n = 0; n < iterations; n++) {
    const gram = matmul(x, x, { transposeB: true }); // (N, R, R)
    const inner = add(mul(gram, scalar(c)), diagonal(b, batch.rows)); // (N, R, R)
    x = matmul(add(matmul(gram, inner), diagonal(a, batch.rows)), x); // (N, R, C)
  }
  return x;
}

function diagonal(value: number, size: number): Value {
  const matrix = new Float32Array(size * size);
  for (let i = 0; i < size; i++) matrix[i * (size + 1)] = value;
  return constant(matrix, [size, size]);
}

const shapeOf = ({ count, rows, columns }: MatrixBatch): readonly number[] => [count, rows, columns];
const keyOf = (batch: MatrixBatch): string => shapeOf(batch).join('x');
