/** @file Work that writes to disk, with a full one as the refusal `DISK_FULL`. */
import { writeError } from '../errors.js';

export function diskErrors<A, R>(work: (argument: A) => Promise<R>): (argument: A) => Promise<R> {
  return async (argument) => {
    try {
      return await work(argument);
    } catch (error) {
      throw writeError(error);
    }
  };
}
