/** @file Refusals of what is fed to a session, the same on every platform, and of what ONNX Runtime says of a run. */
import { messageOf } from '@alice/protocol';
import { EngineError } from '../errors.js';
import { topologicalOrder } from '../graph/topologicalOrder.js';
import { sameShape, sizeOf, type Value, type ValueType } from '../graph/value.js';
import type { NamedTensors } from './platform.js';
import type { TensorData } from './tensorData.js';

type NamedTypes = Readonly<Record<string, ValueType>>;

/** The inputs of a graph by their names. */
export function inputsOf(outputs: Readonly<Record<string, Value>>): Record<string, ValueType> {
  const leaves = topologicalOrder(Object.values(outputs)).filter((value) => value.op === 'Input');
  return Object.fromEntries((leaves as Value<'Input'>[]).map((value) => [value.attributes.name, value]));
}

/** Throws `FEED_*`. Values on a device have no array to count. */
export function checkFeeds(
  feeds: Readonly<Record<string, ValueType | TensorData>>,
  inputs: NamedTypes,
): void {
  for (const [name, { shape }] of Object.entries(inputs))
    if (!feeds[name])
      throw new EngineError(
        { code: 'FEED_MISSING', name, shape },
        `the graph needs a feed "${name}" (${shape})`,
      );
  for (const [name, tensor] of Object.entries(feeds)) {
    const want = inputs[name];
    if (!want)
      throw new EngineError({ code: 'FEED_UNKNOWN', name }, `the graph has no input "${name}": leave it out`);
    checkTensor(name, tensor, want);
  }
}

/** Throws `OUTPUT_UNKNOWN`, `FEED_*`. */
export function checkBuffers(into: NamedTensors, outputs: NamedTypes): void {
  for (const [name, tensor] of Object.entries(into)) checkTensor(name, tensor, outputOf(outputs, name));
}

/** Throws `OUTPUT_UNKNOWN`. */
export function outputOf(outputs: NamedTypes, name: string): ValueType {
  const found = outputs[name];
  if (found) return found;
  throw new EngineError({ code: 'OUTPUT_UNKNOWN', name }, `the graph has no output "${name}"`);
}

function checkTensor(name: string, tensor: ValueType | TensorData, want: ValueType): void {
  const { dtype, shape } = tensor;
  const length = 'data' in tensor ? tensor.data.length : sizeOf(shape);
  if (dtype !== want.dtype)
    throw new EngineError(
      { code: 'FEED_DTYPE', name, want: want.dtype, got: dtype },
      `"${name}" is ${want.dtype} in the graph, not ${dtype}`,
    );
  if (!sameShape(shape, want.shape) || length !== sizeOf(want.shape))
    throw new EngineError(
      {
        code: 'FEED_SHAPE',
        name,
        want: want.shape,
        got: sameShape(shape, want.shape) ? [length] : shape,
      },
      `"${name}" is (${want.shape}) in the graph; the array offered is (${shape}) with ${length} elements`,
    );
}

/** Throws `SESSION_RELEASED`. */
export function refuseReleased(released: boolean): void {
  if (released)
    throw new EngineError({ code: 'SESSION_RELEASED' }, 'this session was released: open a new one');
}

/** What ONNX Runtime, its devices and JavaScript say when memory cannot be had. */
const OUT_OF_MEMORY = /bad_alloc|failed to allocate|out of memory|allocation failed|OutOfMemory/i;

/** Throws what `work` throws as `OUT_OF_MEMORY` or `SESSION_FAILED`. */
export async function attempt<T>(stage: 'open' | 'run', work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (OUT_OF_MEMORY.test(messageOf(cause)))
      throw new EngineError(
        { code: 'OUT_OF_MEMORY', stage },
        `memory ran out: ${messageOf(cause)}; compute fewer rows at once`,
        { cause },
      );
    throw new EngineError(
      { code: 'SESSION_FAILED', stage },
      `ONNX Runtime refused the graph: ${messageOf(cause)}`,
      { cause },
    );
  }
}
