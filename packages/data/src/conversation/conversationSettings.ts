/** @file Everything that decides the bytes of a conversation dataset, beside the source's content. All of it goes into the recipe. */
import type { CHAT_TEMPLATE } from './chatTemplate.js';
import type { ConversationKind } from './conversationShard.js';

export interface ConversationSettings {
  readonly kind: ConversationKind;
  readonly tokenizer: { readonly id: string; readonly vocab: number; readonly separator: number };
  readonly template: typeof CHAT_TEMPLATE;
  readonly seed: string;
  readonly shardTokens: number;
  /** Part of the questions kept for validation. */
  readonly validationFraction: number;
  readonly lineLimitBytes: number;
  readonly onInvalid: 'refuse' | 'skip';
}
