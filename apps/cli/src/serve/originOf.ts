/** @file Which weights the options name: a checkpoint folder, a server, or the running network of a folder. */
import { resolve } from 'node:path';
import type { ModelFlags } from '../training/modelOptions.js';
import type { ModelOrigin } from './servedModel.js';

/** Throws `NETWORK_NOT_RUNNING`. */
export async function originOf(
  flags: ModelFlags,
  reader: { seed: Uint8Array; instance: string },
): Promise<ModelOrigin> {
  if (flags.server !== undefined) return { kind: 'server', url: flags.server, ...reader };
  const { checkpointDir, serverOf } = await import('../training/modelSource.js'); // it brings the engine along
  if (flags.model !== undefined) return { kind: 'folder', dir: checkpointDir(resolve(flags.model)) };
  return { kind: 'server', url: await serverOf(resolve(flags.dir)), ...reader };
}
