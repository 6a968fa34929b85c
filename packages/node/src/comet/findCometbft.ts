/** @file Finds the `cometbft` program. Does not install it. */
import { execFileSync } from 'node:child_process';

/** The program named by ALICE_COMETBFT, else the one in PATH; `undefined` when there is none. */
export function findCometbft(): string | undefined {
  const bin = process.env['ALICE_COMETBFT'] ?? 'cometbft';
  try {
    execFileSync(bin, ['version'], { stdio: 'ignore' });
    return bin;
  } catch {
    return undefined;
  }
}
