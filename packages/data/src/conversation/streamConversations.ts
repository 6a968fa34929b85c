/**
 * @file The records of one listed file as tokens, in order: lines of JSON, or rows of parquet. What is no conversation (or
 * preference) is a fault with its place, like everything else that cannot be read.
 */
import { createHash } from 'node:crypto';
import { DataError } from '../errors.js';
import { jsonLines, type LineOptions, lineFault } from '../sources/jsonLines.js';
import type { ListedFile } from '../sources/ListedFile.js';
import { diskBytes, openParquet } from '../sources/openParquet.js';
import { parquetRows } from '../sources/parquetTexts.js';
import {
  type ChatMessage,
  type ChatTokenizer,
  chatAnswerTokens,
  chatPromptTokens,
  chatTokens,
} from './chatTemplate.js';
import type { ConversationKind, ConversationRecord } from './conversationShard.js';
import { type NoConversation, readConversation } from './readMessages.js';
import { readPreference } from './readPreference.js';

export interface ReadRecord {
  readonly record: ConversationRecord;
  /** Hash of what is asked: equal questions go to one split, whatever the answers. */
  readonly question: Buffer;
}

/** With its place: bytes of the unpacked file, or rows. */
export interface PlacedRecord extends ReadRecord {
  readonly from: number;
  readonly to: number;
}

export interface ConversationReading extends LineOptions {
  readonly kind: ConversationKind;
  readonly tokenizer: ChatTokenizer;
  /** Where a parquet file from the web lies on disk. */
  readonly localCopy?: string;
  /** Called with the bytes that a parquet file from the web is read in; other formats count in `account`. */
  readonly onParquetBytes?: (added: number) => void;
}

/** Throws what `onFault` throws and the faults of the network or disk. */
export async function* streamConversations(
  file: ListedFile,
  options: ConversationReading,
): AsyncGenerator<PlacedRecord[]> {
  try {
    yield* file.format === 'parquet' ? parquetRecords(file, options) : lineRecords(file, options);
  } catch (error) {
    if (!(error instanceof DataError) || error.code !== 'SOURCE_BROKEN') throw error;
    options.onFault(error);
  }
}

function lineRecords(file: ListedFile, options: ConversationReading): AsyncIterable<PlacedRecord[]> {
  return jsonLines(file, options, (line) => {
    const read = readRecord(parsed(line.json), options);
    if (!('reason' in read)) return [{ ...read, from: line.from, to: line.to }];
    options.onFault(lineFault(file.path, line, read.reason));
    return [];
  });
}

async function* parquetRecords(
  file: ListedFile,
  options: ConversationReading,
): AsyncGenerator<PlacedRecord[]> {
  const { localCopy, access, onFault, onParquetBytes } = options;
  const bytes =
    localCopy === undefined ? await openParquet(file, access, onParquetBytes) : await diskBytes(localCopy);
  try {
    for await (const { rows, first } of parquetRows(bytes, file.path, (names) => [...names]))
      yield rows.flatMap((row, i) => {
        const read = readRecord(row, options);
        const from = first + i;
        if (!('reason' in read)) return [{ ...read, from, to: from + 1 }];
        onFault(lineFault(file.path, { number: from + 1, from }, read.reason));
        return [];
      });
  } finally {
    await bytes.close();
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function readRecord(
  value: unknown,
  { kind, tokenizer }: Pick<ConversationReading, 'kind' | 'tokenizer'>,
): ReadRecord | NoConversation {
  if (value === undefined) return { reason: 'not JSON' };
  if (kind === 'chat') {
    const messages = readConversation(value);
    if (!Array.isArray(messages)) return messages;
    return { record: chatTokens(messages, tokenizer), question: questionOf(messages) };
  }
  const preference = readPreference(value);
  if ('reason' in preference) return preference;
  const record = {
    prompt: chatPromptTokens(preference.prompt, tokenizer),
    chosen: chatAnswerTokens(preference.chosen, tokenizer),
    rejected: chatAnswerTokens(preference.rejected, tokenizer),
  };
  return { record, question: questionOf(preference.prompt) };
}

/** By the first thing the user says: later turns and system prompts vary around it. */
function questionOf(messages: readonly ChatMessage[]): Buffer {
  const first = messages.find(({ role }) => role === 'user')!;
  return createHash('sha256').update(first.content.trim()).digest();
}
