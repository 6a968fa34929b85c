/** @file How a preset is trained on one machine: the measured training defaults fitted to the model, and the pace of rounds. */
import type { ModelConfig } from '@alice/model';
import type { ServerOptions } from '@alice/server';
import { defaultTrainingSettings } from '@alice/training';

export function networkSettings(model: ModelConfig): Pick<ServerOptions, 'training' | 'round'> {
  return {
    training: {
      ...defaultTrainingSettings,
      sequenceLength: Math.min(defaultTrainingSettings.sequenceLength, model.context),
    },
    round: { windowMs: 60_000, uploadMs: 15_000, maxRoundMs: 120_000 },
  };
}
