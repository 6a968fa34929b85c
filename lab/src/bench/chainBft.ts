/**
 * @file Four validators on CometBFT under measurement, all on this machine: each is a process of its own beside its own
 * `cometbft`. Needs the program (`ALICE_COMETBFT`, or `cometbft` in PATH).
 */
import { type ChildProcess, fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ChainSpec, type LocalValidator, prepareLocalNetwork } from '@alice/node';

export const VALIDATORS = 4;

export interface RunningNetwork {
  /** RPC of each validator. */
  readonly urls: readonly string[];
  stop(): Promise<void>;
}

/** Starts all validators; resolves when each serves. */
export async function startNetwork(given: {
  bin: string;
  dir: string;
  spec: ChainSpec;
  blockMs: number;
}): Promise<RunningNetwork> {
  const { bin, dir, spec, blockMs } = given;
  const validators = await prepareLocalNetwork({ bin, dir, count: VALIDATORS, spec: () => spec });
  const specFile = join(dir, 'spec.json');
  writeFileSync(specFile, JSON.stringify(spec));
  const started = validators.map((validator) => startValidator(validator, specFile, blockMs));
  const stop = async (): Promise<void> => {
    await Promise.all(
      started.map(async ({ child, exited }) => {
        child.kill('SIGTERM');
        await exited;
      }),
    );
  };
  try {
    return { urls: await Promise.all(started.map(({ url }) => url)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startValidator(
  { chainDir, program, genesisFile }: LocalValidator,
  specFile: string,
  blockMs: number,
): { child: ChildProcess; exited: Promise<void>; url: Promise<string> } {
  const script = join(fileURLToPath(new URL('.', import.meta.url)), 'chainNode.js');
  const engine = JSON.stringify({ kind: 'cometbft', program, genesisFile, snapshotEveryBlocks: 0 });
  const child = fork(script, [chainDir, specFile, String(blockMs), engine]);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = new Promise<string>((resolve, reject) => {
    child.once('message', (message: { url: string }) => resolve(message.url));
    void exited.then(() => reject(new Error('a validator did not start')));
  });
  return { child, exited, url };
}
