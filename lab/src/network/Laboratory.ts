/**
 * @file What all runs of one size share and no run changes: the compiled graphs, the text, the tensor layout. Opening it
 * takes seconds, a run on it nothing but its own work. The text is the built-in corpus, tokenised once per machine.
 */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  assignRanges,
  buildDataset,
  cutRows,
  type Dataset,
  MANIFEST_FILE,
  openDataset,
  type Split,
  sampleRows,
  shuffleRows,
} from '@alice/data';
import {
  createGradientFunction,
  createLossFunction,
  type GradientFunction,
  type LossFunction,
  modelLayout,
  openTokenizer,
} from '@alice/model';
import type { TensorLayout } from '@alice/protocol';
import { createAdamW, createMuon, createSgd, type InnerOptimizer } from '@alice/training';
import { Memo } from './Memo.js';
import { concatRows } from './rows.js';
import type { LabSettings } from './settings.js';

export interface Laboratory {
  readonly layout: TensorLayout;
  readonly rowLength: number;
  readonly gradientFunction: GradientFunction;
  readonly lossFunction: LossFunction;
  readonly optimizer: InnerOptimizer;
  readonly trained: Memo;
  readonly scored: Memo;
  /** The rows of a task in the order of its steps: a pure function of run, miner and round. */
  taskRows(task: TaskOfMiner): Promise<Uint16Array>;
  /** Random different rows of a split. */
  sample(split: Split, rows: number, seed: string): Promise<Uint16Array>;
  dispose(): Promise<void>;
}

export interface TaskOfMiner {
  readonly seed: string;
  readonly miner: string;
  readonly round: number;
  readonly rows: number;
}

/** Dense deltas of the model's size, about a megabyte each. */
const KEPT_DELTAS = 150;
const KEPT_SCORES = 5_000;

/** Opens graphs and text for runs with this model and optimiser. */
export async function openLaboratory(settings: LabSettings): Promise<Laboratory> {
  const { model, training, threads, shardsPerTask } = settings;
  const { sequenceLength, rowsPerStep } = training;
  const layout = modelLayout(model);
  const rowLength = sequenceLength + 1;
  const dataset = await openCorpus(model.vocab);
  const gradientFunction = await createGradientFunction(model, {
    batch: Math.min(rowsPerStep, 8),
    sequenceLength,
    threads,
  });
  const lossFunction = await createLossFunction(model, { batch: 16, sequenceLength, threads });
  const optimizer = await openOptimizer(settings, layout);
  const { shards } = dataset.manifest;
  return {
    layout,
    rowLength,
    gradientFunction,
    lossFunction,
    optimizer,
    trained: new Memo(KEPT_DELTAS),
    scored: new Memo(KEPT_SCORES),
    taskRows: async ({ seed, miner, round, rows }) => {
      const ranges = assignRanges({ seed, miner, round, shards, rows, rowLength, shardsPerTask });
      const cut: Uint16Array[] = [];
      for (const { shard, from, count } of ranges)
        cut.push(cutRows((await dataset.shard(shard)).subarray(from, from + count), rowLength));
      return shuffleRows(concatRows(cut), rowLength, JSON.stringify(['rows', seed, miner, round]));
    },
    sample: (split, rows, seed) => sampleRows({ dataset, split, rows, rowLength, seed }),
    dispose: async () => {
      await Promise.all([gradientFunction.dispose(), lossFunction.dispose(), optimizer.dispose()]);
    },
  };
}

async function openCorpus(vocab: number): Promise<Dataset> {
  return openDataset(await corpusDir(vocab));
}

/** The folder of the built-in corpus in tokens of this vocabulary, made once a machine. */
export async function corpusDir(vocab: number): Promise<string> {
  const dir = join(tmpdir(), `alice-lab-gpt2-${vocab}`);
  if (!existsSync(join(dir, MANIFEST_FILE)))
    await buildDataset({
      source: 'builtin',
      outDir: dir,
      tokenizer: await openTokenizer(`gpt2-${vocab}`),
      seed: 'lab',
    });
  return dir;
}

function openOptimizer({ training, threads }: LabSettings, layout: TensorLayout): Promise<InnerOptimizer> {
  const { weightDecay } = training;
  if (training.optimizer === 'sgd') return Promise.resolve(createSgd());
  if (training.optimizer === 'muon') return createMuon(layout, { threads, weightDecay });
  return Promise.resolve(createAdamW(layout, { weightDecay }));
}
