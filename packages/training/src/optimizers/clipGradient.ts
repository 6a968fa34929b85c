/**
 * @file Global-norm gradient clipping and the finite check of a step. A step whose gradient holds NaN or infinity is
 * reported, never repaired: the caller skips it.
 */

export interface ClipResult {
  /** L2 norm before clipping; NaN or infinity when the gradient is not finite. */
  readonly norm: number;
  readonly finite: boolean;
}

/**
 * Scales `gradient` in place so that its L2 norm is at most `maxNorm`; leaves a non-finite gradient alone.
 * Formula: g ← g · min(1, maxNorm / ‖g‖₂) (Pascanu et al. 2013, "On the difficulty of training RNNs"). The sum runs in
 * FP64, where squares of FP32 values cannot overflow: it is finite exactly when every element is.
 */
export function clipGradient(gradient: Float32Array, maxNorm: number): ClipResult {
  let sum = 0;
  for (let i = 0; i < gradient.length; i++) sum += gradient[i]! * gradient[i]!;
  const norm = Math.sqrt(sum);
  if (!Number.isFinite(norm)) return { norm, finite: false };
  if (norm > maxNorm) {
    const scale = maxNorm / norm;
    for (let i = 0; i < gradient.length; i++) gradient[i]! *= scale;
  }
  return { norm, finite: true };
}
