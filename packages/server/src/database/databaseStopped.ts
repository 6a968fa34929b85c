/** @file What the embedded database's thread says when nothing more can be asked of it. */
import { CodedError } from '@alice/protocol';

/** `isFull`: for lack of space. */
export function databaseStopped(message: string, isFull: boolean): CodedError {
  return new CodedError({ code: 'DATABASE_STOPPED', isFull }, message);
}
