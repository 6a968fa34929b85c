/** @file A submission's way through the wire format: how many bytes it takes, what arrives, whether the format refuses it. */
import {
  decodeAnySubmission,
  encodeAnySubmission,
  isCodedError,
  type SparseDelta,
  type TensorLayout,
  toHex,
} from '@alice/protocol';
import type { Contribution } from './behaviour.js';
import type { LabSettings } from './settings.js';

interface Received {
  readonly sizeBytes: number;
  readonly code: string | null;
  /** As the server decodes it; as it was meant where the format refuses it. */
  readonly delta: SparseDelta;
}

/** Encodes in the run's wire format and decodes again; what the format refuses is refused with its code. */
export async function overTheWire(
  { delta, claimedSteps }: Contribution,
  { settings, layout, version }: { settings: LabSettings; layout: TensorLayout; version: number },
): Promise<Received> {
  const { training, wire: format } = settings;
  const header = {
    taskId: toHex(new Uint8Array(16)),
    nonce: toHex(new Uint8Array(32)),
    stateRoot: toHex(new Uint8Array(32)),
    baseVersion: version,
    innerSteps: claimedSteps,
    tokens: claimedSteps * training.rowsPerStep * training.sequenceLength,
    meanTrainingLossNats: 1,
  };
  const limits = { layout, maxEntries: layout.size, maxInflatedBytes: 8 * layout.size, format };
  try {
    const bytes = await encodeAnySubmission(header, delta, { layout, format });
    const decoded = await decodeAnySubmission(bytes, limits);
    return { sizeBytes: bytes.length, code: null, delta: decoded.delta };
  } catch (error) {
    if (!isCodedError(error)) throw error;
    return { sizeBytes: 0, code: error.code, delta };
  }
}
