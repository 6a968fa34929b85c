/** @file Decoupled weight decay, shared by all inner optimisers. */

/** Shrinks every parameter: theta ← theta · (1 − lr · decay) (Loshchilov and Hutter 2019, decoupled decay). */
export function decayWeights(parameters: Float32Array, learningRate: number, decay: number): void {
  const keep = 1 - learningRate * decay;
  if (keep === 1) return;
  for (let i = 0; i < parameters.length; i++) parameters[i]! *= keep;
}
