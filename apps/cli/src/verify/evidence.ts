/**
 * @file All that measuring a receipt again takes besides the dataset: from a server, or from a folder that was saved before, so
 * that it can be repeated when no server is there any more. A folder is not trusted: bytes and weights must have the hashes
 * that the signed receipt states.
 */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { checkConfig, type ModelConfig, modelLayout } from '@alice/model';
import { fromHalves, initCrypto, messageOf, type TensorLayout, toHalves } from '@alice/protocol';
import { CliError } from '../errors.js';

export interface Evidence {
  readonly config: ModelConfig;
  readonly layout: TensorLayout;
  /** Whose signature the receipt must bear. */
  readonly serverId: string;
  receipt(): Promise<unknown>;
  /** Published weights of a version. */
  weights(version: number): Promise<Float32Array>;
  /** The bytes of the submission. */
  blob(): Promise<Uint8Array>;
}

const RECEIPT = 'receipt.json';
const NETWORK = 'network.json';
const BLOB = 'submission.bin';
/** As they are published: two bytes a parameter. */
const weightsFile = (version: number): string => `weights-${version}.fp16`;

export function isSaved(path: string): boolean {
  return statSync(resolve(path), { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** The same evidence; what of it is used is also written into the folder. */
export function saving(dir: string, evidence: Evidence): Evidence {
  const folder = resolve(dir);
  mkdirSync(folder, { recursive: true });
  const save = (name: string, content: string | Uint8Array): void =>
    writeFileSync(join(folder, name), content);
  const { config: model, layout, serverId } = evidence;
  save(NETWORK, JSON.stringify({ serverId, model }));
  return {
    ...{ config: model, layout, serverId },
    receipt: async () => {
      const receipt = await evidence.receipt();
      save(RECEIPT, JSON.stringify(receipt));
      return receipt;
    },
    weights: async (version) => {
      const weights = await evidence.weights(version);
      const { buffer, byteOffset, byteLength } = toHalves(weights, { saturate: true });
      save(weightsFile(version), new Uint8Array(buffer, byteOffset, byteLength));
      return weights;
    },
    blob: async () => {
      const bytes = await evidence.blob();
      save(BLOB, bytes);
      return bytes;
    },
  };
}

/** What `saving` wrote. Throws `OPTION_INVALID` for what is not there. */
export async function savedEvidence(dir: string): Promise<Evidence> {
  await initCrypto();
  const folder = resolve(dir);
  const read = (name: string): Uint8Array => {
    try {
      return new Uint8Array(readFileSync(join(folder, name)));
    } catch (error) {
      throw new CliError(
        { code: 'OPTION_INVALID', option: 'receipt' },
        `${join(folder, name)} cannot be read: ${messageOf(error)}. Save the folder again with --save, while a server has it all`,
      );
    }
  };
  const json = (name: string) => JSON.parse(new TextDecoder().decode(read(name)));
  const { serverId, model } = json(NETWORK) as { serverId: string; model: ModelConfig };
  const config = checkConfig(model);
  return {
    ...{ config, serverId, layout: modelLayout(config) },
    receipt: async () => json(RECEIPT),
    weights: async (version) => fromHalves(new Uint16Array(read(weightsFile(version)).buffer)),
    blob: async () => read(BLOB),
  };
}
