/**
 * @file PGlite's WebAssembly, kept by the process for all its database threads. What one thread had compiled is there for
 * the next, which opens in a third of the processor time: the thread after a full disk, and every server of a test.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

let program: Promise<WebAssembly.Module> | undefined;

/** Compiled once, off the serving thread. A failure is not kept. */
export function databaseProgram(): Promise<WebAssembly.Module> {
  program ??= readProgram().catch((error) => {
    program = undefined;
    throw error;
  });
  return program;
}

async function readProgram(): Promise<WebAssembly.Module> {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  return WebAssembly.compile(await readFile(join(dirname(entry), 'pglite.wasm')));
}
