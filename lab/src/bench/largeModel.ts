/** @file What the benches of Alice-7B share: how much of it is measured and where it is written, both told by the environment. */
import { tmpdir } from 'node:os';

/** ALICE_BENCH_LAYERS: fewer than its 32 for a quick look. */
export const LAYERS = Number(process.env['ALICE_BENCH_LAYERS'] ?? '32');
/** ALICE_BENCH_DIR: a folder with room for tens of gigabytes. */
export const DIR = process.env['ALICE_BENCH_DIR'] ?? tmpdir();

export type Say = (line: string) => void;

/** Seconds since a reading of `performance.now()`. */
export function since(start: number): string {
  return `${((performance.now() - start) / 1e3).toFixed(1)} s`;
}
