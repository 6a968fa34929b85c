/**
 * @file Momentum-free Muon as graphs: Newton–Schulz on hidden matrices, in their own orientation (a tall matrix is
 * multiplied from the right, which spares turning it), factored Adafactor on the rest. The formulas of `createMuon`.
 */
import {
  add,
  concat,
  div,
  matmul,
  matmulAdd,
  mul,
  reduceSum,
  scalar,
  slice,
  sqrt,
  sub,
  type Value,
} from '@alice/engine';
import type { TensorLayout, TensorSpec } from '@alice/protocol';
import { secondMomentDecay } from '../optimizers/factoredAdafactor.js';
import { isHiddenMatrix } from '../optimizers/matrixGroups.js';
import { FROBENIUS_FLOOR, NEWTON_SCHULZ } from '../optimizers/orthogonalize.js';
import { adafactorGraph } from './adafactorGraph.js';
import { carriedOf } from './adafactorGraphs.js';
import type { UpdateGraphs, UpdateInputs } from './updateGraphs.js';

export interface MuonFactors {
  readonly weightDecay: number;
  /** Root mean square of an update per unit of learning rate. */
  readonly updateRms: number;
}

export function muonGraphs(layout: TensorLayout, { weightDecay, updateRms }: MuonFactors): UpdateGraphs {
  const others = layout.tensors.filter((spec) => !isHiddenMatrix(spec));
  return {
    carriedBy({ tensors }) {
      const [spec] = tensors;
      return isHiddenMatrix(spec!)
        ? []
        : carriedOf(
            spec!,
            others.findIndex(({ name }) => name === spec!.name),
          );
    },
    updated({ tensors }, inputs) {
      if (!isHiddenMatrix(tensors[0]!)) return adafactorGraph(inputs);
      return { weight: matricesChanged(tensors, inputs, updateRms), carried: [] };
    },
    scalarsAt({ steps, learningRate }) {
      const beta2 = secondMomentDecay(steps);
      return { rate: learningRate, keep: 1 - learningRate * weightDecay, beta2, rest: 1 - beta2 };
    },
  };
}

/** Matrices that lie under one another in one part are each orthogonalised on their own. */
function matricesChanged(
  tensors: readonly TensorSpec[],
  { weight, gradient, scalar: fed }: UpdateInputs,
  updateRms: number,
): Value {
  let end = 0;
  const updates = tensors.map(({ shape }) => {
    const start = end;
    end += shape[0]!;
    const own = slice(gradient, { axis: 0, start, end });
    const size = scalar(updateRms * Math.sqrt(Math.max(...shape)));
    return mul(orthogonal(own, fed('factor')), mul(fed('rate'), size));
  });
  return sub(mul(weight, fed('keep')), concat(updates, 0));
}

/** X ← aX + (bA + cA²)X with A = XXᵀ, or from the right with A = XᵀX; X begins as the matrix over its norm. */
function orthogonal(gradient: Value, factor: Value): Value {
  const { a, b, c, iterations } = NEWTON_SCHULZ;
  const [rows, columns] = gradient.shape;
  const wide = rows! <= columns!;
  const square = reduceSum(reduceSum(mul(gradient, gradient), [-1]), [0]);
  const norm = add(mul(sqrt(square), factor), scalar(FROBENIUS_FLOOR));
  let x = mul(gradient, div(factor, norm)); // (R, C)
  for (let n = 0; n < iterations; n++) {
    const gram = wide ? matmul(x, x, { transposeB: true }) : matmul(x, x, { transposeA: true });
    const polynomial = add(mul(gram, scalar(b)), mul(matmul(gram, gram), scalar(c)));
    const factors = wide ? ([polynomial, x] as const) : ([x, polynomial] as const);
    x = matmulAdd(factors, mul(x, scalar(a)));
  }
  return x;
}
