/** @file The learner of a run, by its objective. */
import {
  type ConversationDataset,
  type Dataset,
  openConversations,
  openDataset,
  readAnyManifest,
} from '@alice/data';
import type { Platform } from '@alice/engine';
import type { ModelConfig } from '@alice/model';
import { LocalRunError } from '../localRunError.js';
import type { RunSettings } from '../runSettings.js';
import { conversationLearner } from './conversationLearner.js';
import type { Learner } from './learner.js';
import { preferenceLearner } from './preferenceLearner.js';
import { textLearner } from './textLearner.js';

export type ObjectiveName = 'lm' | 'sft' | 'dpo';

/** What a run learns from: shards of text, or a dataset of conversations or of preference pairs. */
export type Lessons =
  | { readonly objective: 'lm'; readonly dataset: Dataset }
  | { readonly objective: 'sft' | 'dpo'; readonly dataset: ConversationDataset };

export interface LearnerOptions {
  readonly model: ModelConfig;
  readonly settings: RunSettings;
  readonly threads: number;
  /** Rows (or pairs) computed at once while memory lasts; divides `rowsPerStep`. */
  readonly microBatch: number;
  readonly platform?: Platform | undefined;
  /** Of gradients; held-out losses are FP32. */
  readonly precision: 'fp32' | 'fp16';
  readonly onNotice?: ((notice: LearnerNotice) => void) | undefined;
}

/** What a learner does about trouble without being asked. */
export type LearnerNotice =
  /** Memory ran out: so many rows (or pairs) at once from now on, the step stays as large as it was. */
  | { readonly kind: 'micro-batch'; readonly rows: number }
  /** FP16 gradients overflowed and are computed again at this scale. */
  | { readonly kind: 'loss-scale'; readonly scale: number };

/** The kind of dataset each objective learns from. */
const KIND_OF = { lm: 'text', sft: 'chat', dpo: 'preference' } as const;

/** Reads the manifest of a folder as the objective needs it. Throws `RUN_DATA_KIND`, `MANIFEST_*`. */
export function openLessons(objective: ObjectiveName, dir: string): Lessons {
  const manifest = readAnyManifest(dir);
  const kind: DataKind = 'kind' in manifest ? manifest.kind : 'text';
  const wanted = KIND_OF[objective];
  if (kind !== wanted) throw otherKind(objective, { dir, kind, wanted });
  return objective === 'lm'
    ? { objective, dataset: openDataset(dir) }
    : { objective, dataset: openConversations(dir) };
}

type DataKind = (typeof KIND_OF)[ObjectiveName];

function otherKind(
  objective: ObjectiveName,
  at: { readonly dir: string; readonly kind: DataKind; readonly wanted: DataKind },
): LocalRunError {
  return new LocalRunError(
    { code: 'RUN_DATA_KIND', ...at },
    `${at.dir} holds data of the kind "${at.kind}", and --objective ${objective} learns from "${at.wanted}": name another --data or --objective, or build with "alice data build SOURCE --kind ${at.wanted}"`,
  );
}

/** `base`: the weights the run began with, which preference learning compares with. Throws `RUN_DATA_TOO_SMALL`, `RUN_BASE_MISSING`. */
export async function openLearner(
  lessons: Lessons,
  options: LearnerOptions,
  base: Float32Array | undefined,
): Promise<Learner> {
  if (lessons.objective === 'lm') return await textLearner(lessons.dataset, options);
  if (lessons.objective === 'sft') return await conversationLearner(lessons.dataset, options);
  if (!base)
    throw new LocalRunError(
      { code: 'RUN_BASE_MISSING' },
      'preferences are learned beside the model as it was: name a checkpoint to begin with, --from DIR',
    );
  const { beta = DEFAULT_BETA } = options.settings;
  return await preferenceLearner(lessons.dataset, { ...options, beta, reference: base });
}

export const DEFAULT_BETA = 0.1;
