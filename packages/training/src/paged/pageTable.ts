/**
 * @file What is known of a model's file of halves: whose it is, which version, and the hash of every page. Written whole or
 * not at all. While the file is being changed the table says so: it then names the version the changes began from, whose
 * chain of set-deltas leads on whatever part of it has been written (each says what a half IS, not how it changes).
 */
import { createHash } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PAGE_BYTES, PAGE_HASH_BYTES } from '@alice/model/node';
import type { HashHex, TensorLayout } from '@alice/protocol';

export interface PageTable {
  readonly networkId: string;
  /** The version in the file, or the one that changes began from; absent while a snapshot is being written. */
  readonly of?: { readonly version: number; readonly stateRoot: HashHex } | undefined;
  /** Hashes of its pages, one after another; absent while the file is being changed. */
  readonly pages?: Uint8Array | undefined;
}

interface Stored {
  readonly format: 1;
  readonly networkId: string;
  readonly elements: number;
  readonly of?: PageTable['of'];
  /** Base64. */
  readonly pages?: string;
}

/** Undefined when there is none, or it is damaged or of another network or model: the file counts as empty then. */
export async function readPageTable(
  path: string,
  own: { readonly networkId: string; readonly layout: TensorLayout },
): Promise<PageTable | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const [sum, body = ''] = [text.slice(0, 64), text.slice(65)];
  if (sha256Of(body) !== sum) return undefined;
  const { format, networkId, elements, of, pages } = JSON.parse(body) as Stored;
  if (format !== 1 || networkId !== own.networkId || elements !== own.layout.size) return undefined;
  const hashes = pages === undefined ? undefined : new Uint8Array(Buffer.from(pages, 'base64'));
  const expected = PAGE_HASH_BYTES * Math.ceil((2 * elements) / PAGE_BYTES);
  return hashes === undefined || hashes.length === expected ? { networkId, of, pages: hashes } : undefined;
}

/** The old one or the new one, after a crash at any moment. */
export async function writePageTable(
  path: string,
  { networkId, of, pages }: PageTable,
  { size }: TensorLayout,
): Promise<void> {
  const stored: Stored = {
    ...{ format: 1, networkId, elements: size, of },
    ...(pages && { pages: Buffer.from(pages).toString('base64') }),
  };
  const body = JSON.stringify(stored);
  const temporary = `${path}.tmp`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(`${sha256Of(body)} ${body}`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  // Windows cannot flush a folder; there a rename is durable once the volume says so.
  const folder = await open(dirname(path), 'r').catch(() => undefined);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
