/**
 * @file Random initial weights: normal with std 0.02; projections that write into the residual stream scaled by
 * 1/√(2L), so that its variance does not grow with depth (Radford et al. 2019, §2.3); norms 1. Each tensor has its own
 * stream, a pure function of (seed, name). Math.log and Math.cos may differ in the last bit between JavaScript
 * engines: whoever creates version 0 publishes it, the others download it. SPEC MODEL-1: nothing loads foreign weights.
 */
import { type Random, seededRandom } from '@alice/protocol';
import type { ModelConfig } from './ModelConfig.js';
import { modelLayout } from './modelLayout.js';

const STD = 0.02;

/** Fresh weights in layout order. */
export function initParameters(config: ModelConfig, seed: string): Float32Array {
  const parameters = new Float32Array(modelLayout(config).size);
  let at = 0;
  for (const piece of initialWeights(config, seed)) {
    parameters.set(piece, at);
    at += piece.length;
  }
  return parameters;
}

/** Elements of a piece; even, since numbers are drawn in pairs. */
const PIECE_ELEMENTS = 2 ** 20;

/** The same, in pieces, for a model that is larger than memory; each is good until the next is asked for. */
export function* initialWeights(config: ModelConfig, seed: string): Generator<Float32Array> {
  const memory = new Float32Array(PIECE_ELEMENTS);
  const residualScale = 1 / Math.sqrt(2 * config.layers);
  for (const { name, shape, size } of modelLayout(config).tensors) {
    const std = /\.(o_proj|down_proj)\./.test(name) ? STD * residualScale : STD;
    const random = seededRandom(`${seed}/${name}`);
    for (let left = size; left > 0; left -= PIECE_ELEMENTS) {
      const piece = memory.subarray(0, Math.min(left, PIECE_ELEMENTS));
      if (shape.length === 1) piece.fill(1);
      else fillNormal(piece, random, std);
      yield piece;
    }
  }
}

/** Box–Muller, both branches: half the logarithms of drawing one at a time. */
function fillNormal(view: Float32Array, random: Random, std: number): void {
  for (let i = 0; i < view.length; i += 2) {
    const radius = std * Math.sqrt(-2 * Math.log((random.u32() + 1) / 4_294_967_296));
    const angle = 2 * Math.PI * (random.u32() / 4_294_967_296);
    view[i] = radius * Math.cos(angle);
    // Past an odd end this writes nothing.
    view[i + 1] = radius * Math.sin(angle);
  }
}
