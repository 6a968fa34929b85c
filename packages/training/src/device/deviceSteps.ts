/**
 * @file Steps of local training whose weights, gradients and optimiser sums stay on the device: a step sends tokens and a
 * few scalars there, and reads the loss and the sum of squares of the gradient. Both decide here whether the step is
 * taken, and by how much the gradient is clipped: what is not finite never touches the weights.
 */
import type { DeviceTensor } from '@alice/engine';
import type { DeviceGradientFunction, DevicePart } from '@alice/model';
import { requireLength } from '../errors.js';
import type { InnerOptimizer } from '../optimizers/innerOptimizer.js';
import type { StepInputs, StepOutcome, TrainingSteps } from '../trainingSteps.js';
import { DeviceSessions } from './DeviceSessions.js';
import type { CarriedTensor } from './updateGraphs.js';

export interface DeviceStepsOptions<Batch> {
  readonly gradientFunction: DeviceGradientFunction<Batch>;
  /** Its sums are taken along at the beginning and written back by `finish`; its own `step` is not used. */
  readonly optimizer: InnerOptimizer;
  /** Not written. */
  readonly base: Float32Array;
  readonly clipNorm: number;
}

/** One part of the model on the device, with what its updates carry. */
interface Resident {
  readonly part: DevicePart;
  readonly places: readonly CarriedTensor[];
  weight: DeviceTensor;
  carried: readonly DeviceTensor[];
}

/** Brings weights and sums to the device. Memory there: weights, gradients, sums, and one part more while it is updated. */
export async function deviceSteps<Batch>(options: DeviceStepsOptions<Batch>): Promise<TrainingSteps<Batch>> {
  const steps = new DeviceSteps(options);
  try {
    await steps.begin();
    return steps;
  } catch (error) {
    await steps.close();
    throw error;
  }
}

class DeviceSteps<Batch> implements TrainingSteps<Batch> {
  readonly #options: DeviceStepsOptions<Batch>;
  readonly #sessions: DeviceSessions;
  readonly #residents: Resident[] = [];
  #steps: number;

  constructor(options: DeviceStepsOptions<Batch>) {
    this.#options = options;
    this.#sessions = new DeviceSessions(options.gradientFunction.device);
    this.#steps = options.optimizer.carried.steps;
  }

  async begin(): Promise<void> {
    const { gradientFunction, optimizer, base } = this.#options;
    const { parts } = gradientFunction;
    requireLength('the parameter vector', base.length, parts.at(-1)!.offset + parts.at(-1)!.size);
    for (const part of parts) {
      const { offset, size, shape } = part;
      const weight = await this.#sessions.place(base.subarray(offset, offset + size), shape);
      const places = optimizer.graphs.carriedBy(part);
      const resident: Resident = { part, places, weight, carried: [] };
      this.#residents.push(resident);
      for (const place of places)
        resident.carried = [
          ...resident.carried,
          await this.#sessions.place(viewOf(optimizer, place), place.shape),
        ];
    }
  }

  async step({ microBatches, learningRate }: StepInputs<Batch>): Promise<StepOutcome> {
    for (;;) {
      const { lossNats, gradients, divisor } = await this.#gradient(microBatches);
      try {
        const norm = Math.sqrt(await this.#sessions.squareSum(gradients)) / divisor;
        if (this.#options.gradientFunction.shouldRepeat(Number.isFinite(norm))) continue;
        const skipped = !Number.isFinite(norm) || !Number.isFinite(lossNats);
        if (!skipped) await this.#update(gradients, { factor: this.#clip(norm) / divisor, learningRate });
        return { lossNats, gradNormL2: norm, skipped };
      } finally {
        releaseAll(gradients);
      }
    }
  }

  async finish(): Promise<Float32Array> {
    const { base, optimizer } = this.#options;
    const parameters = new Float32Array(base.length);
    // All is read before anything is written: reading that fails half-way has not touched the optimiser.
    const sums: { readonly place: CarriedTensor; readonly values: Float32Array }[] = [];
    for (const { part, places, weight, carried } of this.#residents) {
      parameters.set(await this.#sessions.read(weight), part.offset);
      for (const [i, place] of places.entries())
        sums.push({ place, values: await this.#sessions.read(carried[i]!) });
    }
    for (const { place, values } of sums) viewOf(optimizer, place).set(values);
    optimizer.carried.steps = this.#steps;
    return parameters;
  }

  async close(): Promise<void> {
    for (const { weight, carried } of this.#residents.splice(0)) releaseAll([weight, ...carried]);
    await this.#sessions.close();
  }

  /** The sum of the gradients of all micro-batches; `divisor` makes it the gradient of the mean loss. */
  async #gradient(
    microBatches: readonly Batch[],
  ): Promise<{ lossNats: number; gradients: readonly DeviceTensor[]; divisor: number }> {
    const { gradientFunction } = this.#options;
    const count = microBatches.length;
    const weights = this.#residents.map(({ weight }) => weight);
    let [lossNats, scale] = [0, 1];
    let sums: readonly DeviceTensor[] = [];
    try {
      for (const [m, own] of microBatches.entries()) {
        const one = await gradientFunction.run(weights, own);
        lossNats += one.lossNats / count;
        scale = one.scale;
        sums = m === 0 ? one.gradients : await this.#added(sums, one.gradients);
      }
    } catch (error) {
      releaseAll(sums);
      throw error;
    }
    return { lossNats, gradients: sums, divisor: count * scale };
  }

  async #added(sums: readonly DeviceTensor[], more: readonly DeviceTensor[]): Promise<DeviceTensor[]> {
    const added: DeviceTensor[] = [];
    for (const [i, tensor] of more.entries()) {
      added.push(await this.#sessions.sum(sums[i]!, tensor));
      releaseAll([sums[i]!, tensor]);
    }
    return added;
  }

  #clip(norm: number): number {
    return Math.min(1, this.#options.clipNorm / norm);
  }

  /** Part by part, each old weight given back at once. */
  async #update(
    gradients: readonly DeviceTensor[],
    { factor, learningRate }: { readonly factor: number; readonly learningRate: number },
  ): Promise<void> {
    const { graphs } = this.#options.optimizer;
    this.#steps++;
    const numbers = { factor, ...graphs.scalarsAt({ steps: this.#steps, learningRate }) };
    const scalars = await this.#sessions.placeScalars(numbers);
    for (const [i, resident] of this.#residents.entries()) {
      const session = await this.#sessions.update(resident.part, graphs);
      const old = [resident.weight, ...resident.carried];
      const all: Record<string, DeviceTensor> = {
        ...scalars,
        weight: resident.weight,
        gradient: gradients[i]!,
        ...named(resident.carried),
      };
      const feeds = Object.fromEntries(Object.keys(session.inputs).map((name) => [name, all[name]!]));
      const { kept } = await session.run(feeds);
      resident.weight = kept['weight out']!;
      resident.carried = resident.places.map((_, k) => kept[`carried out ${k}`]!);
      releaseAll(old);
    }
    releaseAll(Object.values(scalars));
  }
}

function named(carried: readonly DeviceTensor[]): Record<string, DeviceTensor> {
  return Object.fromEntries(carried.map((tensor, i) => [`carried ${i}`, tensor]));
}

/** The numbers of the optimiser that a carried tensor is on the device. */
function viewOf({ carried }: InnerOptimizer, { shape, vector, offset }: CarriedTensor): Float32Array {
  const size = shape.reduce((product, dim) => product * dim, 1);
  return carried.vectors[vector]!.subarray(offset, offset + size);
}

function releaseAll(tensors: readonly DeviceTensor[]): void {
  for (const tensor of tensors) tensor.release();
}
