/** @file How a preset is trained: the measured training defaults fitted to the model, and the pace of rounds. */
import type { ModelConfig } from '@alice/model';
import type { ServerOptions } from '@alice/server';
import {
  defaultTrainingSettings,
  layerwiseSettings,
  type TrainingSettings,
  whitepaperSettings,
} from '@alice/training';
import { isLargePreset } from '../commands/presets.js';
import type { TrainingProtocol } from './trainingProtocols.js';

const MINUTE_MS = 60_000;
/** A task of the smallest models takes seconds, one of Alice-7B half an hour of two cores. */
const PACE: Record<'small' | 'large', ServerOptions['round']> = {
  small: { windowMs: MINUTE_MS, uploadMs: MINUTE_MS / 4, maxRoundMs: 2 * MINUTE_MS },
  large: { windowMs: 60 * MINUTE_MS, uploadMs: 10 * MINUTE_MS, maxRoundMs: 90 * MINUTE_MS },
};
/** A version of Alice-7B takes 25 GB as a master and 12 as a snapshot. */
const KEPT_OF_LARGE = { mastersKept: 2, snapshotsKept: 2 };

/** Without a protocol: `layerwise` for what hardly anybody's memory holds, `alice` for the rest. */
export function networkSettings(
  model: ModelConfig,
  protocol: TrainingProtocol = isLargePreset(model.name) ? 'layerwise' : 'alice',
): Pick<ServerOptions, 'training' | 'round' | 'limits'> {
  const isLarge = isLargePreset(model.name);
  const base = {
    ...defaultTrainingSettings,
    sequenceLength: Math.min(defaultTrainingSettings.sequenceLength, model.context),
  };
  return {
    training: settingsOf(protocol, base),
    round: isLarge ? PACE.large : PACE.small,
    ...(isLarge && { limits: KEPT_OF_LARGE }),
  };
}

function settingsOf(protocol: TrainingProtocol, base: TrainingSettings): TrainingSettings {
  if (protocol === 'whitepaper') return whitepaperSettings(base);
  return protocol === 'layerwise' ? layerwiseSettings(base) : base;
}
