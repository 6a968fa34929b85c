/**
 * @file The small graphs of training on a device: bringing a tensor there and back, adding gradients, their norm, and the
 * optimiser's update. One session for each kind and shape, opened when it is first needed.
 */
import {
  add,
  type DeviceSession,
  type DeviceTensor,
  input,
  mul,
  openDeviceSession,
  reduceSum,
  type Shape,
  type TensorData,
  tensorOf,
  type Value,
} from '@alice/engine';
import type { DeviceGradientFunction, DevicePart } from '@alice/model';
import type { UpdateGraphs } from './updateGraphs.js';

type Device = DeviceGradientFunction['device'];
type Outputs = Readonly<Record<string, Value>>;

export class DeviceSessions {
  readonly #device: Device;
  readonly #open = new Map<string, Promise<DeviceSession>>();

  constructor(device: Device) {
    this.#device = device;
  }

  /** A copy on the device. */
  async place(data: TensorData['data'], shape: Shape): Promise<DeviceTensor> {
    const session = await this.#session(`place ${shape}`, ['out'], () => ({ out: input('in', shape) }));
    const { kept } = await session.run({ in: tensorOf(data, shape) });
    return kept['out']!;
  }

  /** Scalars by their names. */
  async placeScalars(values: Readonly<Record<string, number>>): Promise<Record<string, DeviceTensor>> {
    const names = Object.keys(values);
    const session = await this.#session('scalars', names.map(placed), () =>
      Object.fromEntries(names.map((name) => [placed(name), input(name, [])])),
    );
    const feeds = names.map((name) => [name, tensorOf(Float32Array.of(values[name]!), [])] as const);
    const { kept } = await session.run(Object.fromEntries(feeds));
    return Object.fromEntries(names.map((name) => [name, kept[placed(name)]!]));
  }

  /** A last copy in an output of its own, because a value that was kept cannot be read itself. */
  async read(tensor: DeviceTensor): Promise<Float32Array> {
    const { shape } = tensor;
    const session = await this.#session(`read ${shape}`, [], () => ({ out: input('in', shape) }));
    const { read } = await session.run({ in: tensor });
    return read['out']!.data as Float32Array;
  }

  async sum(a: DeviceTensor, b: DeviceTensor): Promise<DeviceTensor> {
    const { shape } = a;
    const session = await this.#session(`sum ${shape}`, ['sum'], () => ({
      sum: add(input('a', shape), input('b', shape)),
    }));
    const { kept } = await session.run({ a, b });
    return kept['sum']!;
  }

  /** Σ x² over all of the tensors: NaN or infinite where one element is, or where a square overflows FP32. */
  async squareSum(tensors: readonly DeviceTensor[]): Promise<number> {
    const session = await this.#session('squares', [], () => ({
      total: tensors.map(({ shape }, i) => squares(input(`${i}`, shape))).reduce(add),
    }));
    const { read } = await session.run(Object.fromEntries(tensors.map((tensor, i) => [`${i}`, tensor])));
    return read['total']!.data[0]!;
  }

  /** The session that updates a part; parts of equal tensors share one. */
  update(part: DevicePart, graphs: UpdateGraphs): Promise<DeviceSession> {
    const carried = graphs.carriedBy(part);
    const key = JSON.stringify([
      part.shape,
      part.tensors.map(({ shape }) => shape),
      carried.map((c) => c.shape),
    ]);
    const keep = ['weight out', ...carried.map((_, i) => `carried out ${i}`)];
    return this.#session(`update ${key}`, keep, () => {
      const updated = graphs.updated(part, {
        weight: input('weight', part.shape),
        gradient: input('gradient', part.shape),
        carried: carried.map(({ shape }, i) => input(`carried ${i}`, shape)),
        scalar: memoized((name) => input(name, [])),
      });
      const states = updated.carried.map((value, i) => [`carried out ${i}`, value] as const);
      return { 'weight out': updated.weight, ...Object.fromEntries(states) };
    });
  }

  async close(): Promise<void> {
    const sessions = [...this.#open.values()];
    this.#open.clear();
    for (const session of await Promise.allSettled(sessions))
      if (session.status === 'fulfilled') await session.value.release();
  }

  #session(key: string, keep: readonly string[], graph: () => Outputs): Promise<DeviceSession> {
    const known = this.#open.get(key);
    if (known) return known;
    const opened = openDeviceSession(graph(), { ...this.#device, keep });
    this.#open.set(key, opened);
    return opened;
  }
}

const placed = (name: string): string => `${name} there`;

/** Along rows first: see adafactorGraph.ts. */
function squares(x: Value): Value {
  const alongRows = reduceSum(mul(x, x), [-1]);
  return alongRows.shape.length === 0 ? alongRows : reduceSum(alongRows, [0]);
}

function memoized(make: (name: string) => Value): (name: string) => Value {
  const known = new Map<string, Value>();
  return (name) => {
    const value = known.get(name) ?? make(name);
    known.set(name, value);
    return value;
  };
}
