/** @file How a preset is trained on one machine: the measured training defaults fitted to the model, and the pace of rounds. */
import type { ModelConfig } from '@alice/model';
import type { ServerOptions } from '@alice/server';
import { defaultTrainingSettings, whitepaperSettings } from '@alice/training';
import type { TrainingProtocol } from './trainingProtocols.js';

export function networkSettings(
  model: ModelConfig,
  protocol: TrainingProtocol = 'alice',
): Pick<ServerOptions, 'training' | 'round'> {
  const training = {
    ...defaultTrainingSettings,
    sequenceLength: Math.min(defaultTrainingSettings.sequenceLength, model.context),
  };
  return {
    training: protocol === 'whitepaper' ? whitepaperSettings(training) : training,
    round: { windowMs: 60_000, uploadMs: 15_000, maxRoundMs: 120_000 },
  };
}
