/** @file Factored Adafactor on every tensor as graphs: the formula of `createAdafactor`. */
import { concat, slice } from '@alice/engine';
import type { TensorLayout, TensorSpec } from '@alice/protocol';
import { emptyFactoredState, secondMomentDecay } from '../optimizers/factoredAdafactor.js';
import { adafactorGraph } from './adafactorGraph.js';
import type { CarriedTensor, UpdateGraphs } from './updateGraphs.js';

export function adafactorGraphs(layout: TensorLayout, weightDecay: number): UpdateGraphs {
  return {
    carriedBy: ({ tensors }) =>
      tensors.flatMap((spec) =>
        carriedOf(
          spec,
          layout.tensors.findIndex(({ name }) => name === spec.name),
        ),
      ),
    updated({ tensors }, { weight, gradient, carried, scalar }) {
      if (tensors.length === 1) return adafactorGraph({ weight, gradient, carried, scalar });
      let [row, next] = [0, 0];
      const parts = tensors.map((spec) => {
        const rows = { axis: 0, start: row, end: row + spec.shape[0]! };
        const own = carried.slice(next, next + spec.shape.length);
        row = rows.end;
        next += own.length;
        return adafactorGraph({
          weight: slice(weight, rows),
          gradient: slice(gradient, rows),
          carried: own,
          scalar,
        });
      });
      return {
        weight: concat(
          parts.map((part) => part.weight),
          0,
        ),
        carried: parts.flatMap((part) => part.carried),
      };
    },
    scalarsAt({ steps, learningRate }) {
      const beta2 = secondMomentDecay(steps);
      return { rate: learningRate, keep: 1 - learningRate * weightDecay, beta2, rest: 1 - beta2 };
    },
  };
}

/** Rows and columns stand one after another among the vectors; a vector's columns are empty. */
export function carriedOf(spec: TensorSpec, place: number): CarriedTensor[] {
  const { rows, columns } = emptyFactoredState(spec);
  return [rows, columns].flatMap(({ length }, i) =>
    length === 0 ? [] : [{ shape: [length], vector: 2 * place + i, offset: 0 }],
  );
}
