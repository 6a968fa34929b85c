/** @file The records of one source file as tokens, each on the side of the split that its first question belongs to. */
import { createHash } from 'node:crypto';
import type { PartPiece, PieceReading } from '../stream/PartJob.js';
import type { ConversationSettings } from './conversationSettings.js';
import { packRecord } from './packRecord.js';
import { recordHash } from './recordHash.js';
import { streamConversations } from './streamConversations.js';

export async function* conversationPieces(
  settings: ConversationSettings,
  { file, tokenizer, ...reading }: PieceReading,
): AsyncGenerator<PartPiece> {
  const { kind } = settings;
  for await (const batch of streamConversations(file, { ...reading, kind, tokenizer }))
    for (const { record, question, from, to } of batch)
      yield {
        from,
        to,
        // Stored bytes measure the progress of conversations.
        textBytes: 0,
        fingerprint: recordHash(record).subarray(0, 16),
        split: isHeldOut(question, settings) ? 'validation' : 'train',
        tokens: packRecord(kind, record),
        signature: null,
      };
}

function isHeldOut(
  question: Buffer,
  { seed, validationFraction }: Pick<ConversationSettings, 'seed' | 'validationFraction'>,
): boolean {
  const place =
    createHash('sha256').update(`${seed}|split|`).update(question).digest().readUIntBE(0, 6) / 2 ** 48;
  return place < validationFraction;
}
