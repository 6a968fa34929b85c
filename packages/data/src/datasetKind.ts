/** @file What a dataset folder holds, so that one command can treat every kind. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONVERSATIONS_FORMAT, type ConversationManifest } from './conversation/conversationManifest.js';
import { readConversationManifest } from './conversation/openConversations.js';
import { MANIFEST_FILE, type Manifest } from './manifest.js';
import { readManifest } from './readManifest.js';

/** By the format its manifest names; text when that cannot be told: reading it then says what is wrong. */
export function datasetKind(dir: string): 'text' | 'chat' | 'preference' {
  let text: string;
  try {
    text = readFileSync(join(dir, MANIFEST_FILE), 'utf8');
  } catch {
    return 'text';
  }
  // The format is the manifest's first field: a large manifest need not be parsed twice.
  return text.slice(0, 200).includes(`"${CONVERSATIONS_FORMAT}"`)
    ? readConversationManifest(dir).kind
    : 'text';
}

/** The manifest of a dataset of any kind. Throws `MANIFEST_MISSING`, `MANIFEST_INVALID`. */
export function readAnyManifest(dir: string): Manifest | ConversationManifest {
  return datasetKind(dir) === 'text' ? readManifest(dir) : readConversationManifest(dir);
}
