/** @file Bounds the uploads in memory at once (REG-3): more senders are told to come back before their body is read. */
import type { FastifyReply } from 'fastify';
import { ServerError } from '../errors.js';

export interface UploadSlots {
  /** Holds a slot until the answer has been sent or the sender is gone. Throws `BUSY`. */
  take(reply: Pick<FastifyReply, 'raw'>): void;
}

const RETRY_AFTER_MS = 1_000;

export function createUploadSlots(limit: number): UploadSlots {
  let taken = 0;
  return {
    take({ raw }) {
      if (taken >= limit)
        throw new ServerError(
          { code: 'BUSY', retryAfterMs: RETRY_AFTER_MS },
          'too many submissions are arriving at once: send it again after Retry-After',
        );
      taken++;
      raw.once('close', () => {
        taken--;
      });
    },
  };
}
