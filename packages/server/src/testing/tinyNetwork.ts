/**
 * @file A network small enough for tests: a model of one layer, a dataset of bytes, a clock that only moves when told.
 * Everything lies in one temporary folder.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildDataset } from '@alice/data';
import type { ModelConfig } from '@alice/model';
import {
  initCrypto,
  type KeyPair,
  keyPairFromSecret,
  type Logger,
  seededRandom,
  silentLogger,
} from '@alice/protocol';
import { defaultTrainingSettings, type TrainingSettings } from '@alice/training';
import type { ServerOptions } from '../options.js';
import { openServerCore, type ServerCore } from '../ServerCore.js';
import { copyDatabaseTemplate } from './databaseTemplate.js';
import { FakeChain } from './FakeChain.js';
import { newTestDatabase } from './testDatabase.js';

export const tinyModel: ModelConfig = {
  name: 'test',
  layers: 1,
  width: 32,
  heads: 2,
  kvHeads: 1,
  ffn: 64,
  context: 16,
  vocab: 257,
  ropeTheta: 10_000,
  normEps: 1e-5,
};

export const tinyTraining: TrainingSettings = {
  ...defaultTrainingSettings,
  innerSteps: 2,
  rowsPerStep: 2,
  sequenceLength: 16,
  scoringRows: 16,
  mergeRows: 16,
  gate: { minRows: 16, maxRows: 32, interimZ: 3, finalZ: 1.96, harmZ: 1 },
  mergeGate: { z: 2, maxRiseNats: 0.05, minRows: 16 },
  wire: { wire: 'binary_v2' }, // made-up deltas are compared with what was sent
  work: { ...defaultTrainingSettings.work, rows: 0 }, // losses in most tests are made up
};

export interface TinyNetwork {
  readonly dir: string;
  readonly options: ServerOptions;
  readonly chain: FakeChain;
  readonly miner: KeyPair;
  readonly otherMiner: KeyPair;
  readonly scorer: KeyPair;
  /** Milliseconds; only tests move it. */
  clock: { nowMs: number };
  open(changes?: Partial<ServerOptions>, log?: Logger): Promise<ServerCore>;
  remove(): void;
}

/** A new network in a temporary folder below `root`. */
export async function createTinyNetwork(
  changes: Partial<ServerOptions> = {},
  root = tmpdir(),
): Promise<TinyNetwork> {
  const dir = mkdtempSync(join(root, 'alice-server-test-'));
  await buildTinyDataset(dir, join(dir, 'data'));
  const databaseUrl = changes.databaseUrl ?? (await newTestDatabase());
  if (databaseUrl === undefined) await copyDatabaseTemplate(join(dir, 'server'));
  return openTinyNetwork(dir, { ...changes, databaseUrl });
}

/** The network in a folder that `createTinyNetwork` made, for another process. */
export async function openTinyNetwork(
  dir: string,
  changes: Partial<ServerOptions> = {},
): Promise<TinyNetwork> {
  await initCrypto();
  const scorer = keyPairFromSecret('//scorer');
  const options: ServerOptions = {
    dir: join(dir, 'server'),
    port: 0,
    serverKey: keyPairFromSecret('//server'),
    scorers: [scorer.address],
    model: tinyModel,
    tokenizerId: 'bytes',
    dataDir: join(dir, 'data'),
    seed: 'test',
    training: tinyTraining,
    round: { windowMs: 10_000, uploadMs: 5_000, maxRoundMs: 60_000 },
    epochMs: 60_000,
    ...changes,
  };
  const chain = new FakeChain();
  const clock = { nowMs: 1_700_000_000_000 };
  return {
    dir,
    options,
    chain,
    clock,
    scorer,
    miner: keyPairFromSecret('//miner/0'),
    otherMiner: keyPairFromSecret('//miner/1'),
    open: (more = {}, log = silentLogger) =>
      openServerCore({ ...options, ...more }, { log, chain, clock: () => clock.nowMs }),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** Words of a small language, so that documents differ and none repeats. */
async function buildTinyDataset(dir: string, outDir: string): Promise<void> {
  const random = seededRandom('tiny dataset');
  const words = ['sun', 'moon', 'walks', 'sings', 'under', 'over', 'red', 'blue', 'river', 'stone'];
  const source = join(dir, 'text');
  mkdirSync(source);
  for (let document = 0; document < 60; document++) {
    const text = Array.from({ length: 400 }, () => words[random.below(words.length)]).join(' ');
    writeFileSync(join(source, `${document}.txt`), text);
  }
  const tokenizer = {
    id: 'bytes',
    vocab: 257,
    separator: 256,
    encode: (text: string) => Uint16Array.from(new TextEncoder().encode(text)),
  };
  await buildDataset({ source, outDir, tokenizer, seed: 'test' });
}
