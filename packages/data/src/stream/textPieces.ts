/** @file The documents of one source file as tokens, each with its split and, if near-duplicates matter, its signature. */
import { documentSignature, SIGNATURE_BYTES } from '../near/documentSignature.js';
import type { ShardTokenizer } from '../shardTokenizer.js';
import { type SourceDocument, streamDocuments } from '../sources/streamDocuments.js';
import type { MadeDocument } from './PartFiles.js';
import type { PartPiece, PieceReading } from './PartJob.js';
import type { StreamSettings } from './settings.js';
import { fingerprintOf, splitOf } from './splitOf.js';

export async function* textPieces(
  settings: StreamSettings,
  { file, tokenizer, ...reading }: PieceReading,
): AsyncGenerator<PartPiece> {
  for await (const batch of streamDocuments(file, { ...settings, ...reading }))
    for (const document of batch)
      yield { ...madeOf(document, tokenizer, settings), textBytes: Buffer.byteLength(document.text) };
}

function madeOf(
  { text, from, to }: SourceDocument,
  tokenizer: ShardTokenizer,
  settings: StreamSettings,
): MadeDocument {
  const fingerprint = fingerprintOf(text);
  const encoded = tokenizer.encode(text);
  const tokens = new Uint16Array(encoded.length + 1);
  tokens.set(encoded);
  tokens[encoded.length] = tokenizer.separator;
  const signature = settings.nearDuplicates === 'ignore' ? null : new Uint8Array(SIGNATURE_BYTES);
  if (signature !== null) documentSignature(text, signature);
  return { from, to, fingerprint, split: splitOf(fingerprint, settings), tokens, signature };
}
