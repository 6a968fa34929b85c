/**
 * @file Random initial weights: normal with std 0.02; projections that write into the residual stream scaled by
 * 1/√(2L), so that its variance does not grow with depth (Radford et al. 2019, §2.3); norms 1. Each tensor has its own
 * stream, a pure function of (seed, name). Math.log and Math.cos may differ in the last bit between JavaScript
 * engines: whoever creates version 0 publishes it, the others download it. SPEC MODEL-1: nothing loads foreign weights.
 */
import { seededRandom } from '@alice/protocol';
import type { ModelConfig } from './ModelConfig.js';
import { modelLayout } from './modelLayout.js';

const STD = 0.02;

/** Fresh weights in layout order. */
export function initParameters(config: ModelConfig, seed: string): Float32Array {
  const layout = modelLayout(config);
  const parameters = new Float32Array(layout.size);
  const residualScale = 1 / Math.sqrt(2 * config.layers);
  for (const { name, shape, offset, size } of layout.tensors) {
    const view = parameters.subarray(offset, offset + size);
    if (shape.length === 1) view.fill(1);
    else fillNormal(view, `${seed}/${name}`, /\.(o_proj|down_proj)\./.test(name) ? STD * residualScale : STD);
  }
  return parameters;
}

/** Box–Muller, both branches: half the logarithms of drawing one at a time. */
function fillNormal(view: Float32Array, seed: string, std: number): void {
  const random = seededRandom(seed);
  for (let i = 0; i < view.length; i += 2) {
    const radius = std * Math.sqrt(-2 * Math.log((random.u32() + 1) / 4_294_967_296));
    const angle = 2 * Math.PI * (random.u32() / 4_294_967_296);
    view[i] = radius * Math.cos(angle);
    // Past an odd end this writes nothing.
    view[i + 1] = radius * Math.sin(angle);
  }
}
