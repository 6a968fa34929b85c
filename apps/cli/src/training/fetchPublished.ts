/** @file The latest published weights of a network, once, with a key made for this and thrown away. */
import { randomBytes } from 'node:crypto';
import { initCrypto, keyPairFromSeed } from '@alice/protocol';
import { type BytesListener, type PublishedModel, PublishedModelReader } from './PublishedModelReader.js';

/** Throws what `PublishedModelReader.latest` throws. Cost: one download of the model. */
export async function fetchPublished(
  url: string,
  { signal, onBytes }: { readonly signal: AbortSignal; readonly onBytes?: BytesListener },
): Promise<PublishedModel> {
  await initCrypto();
  const key = keyPairFromSeed(new Uint8Array(randomBytes(32)));
  const model = await new PublishedModelReader({ url, key, instance: 'export', signal, onBytes }).latest();
  if (!model) throw new Error('a new reader has given no version before');
  return model;
}
