/**
 * @file Ends a synchronous call that takes too long, by the watchdog V8 has for scripts. For decoders of others that a
 * damaged file can keep in an endless loop. About 0.1 ms a call: for calls on whole blocks, not on bytes.
 */
import { createContext, Script } from 'node:vm';

const sandbox = createContext({ call: undefined }) as { call: (() => void) | undefined };
const script = new Script('call()');

/** Runs `call`; false when it was stopped after `timeoutMs`. What it throws goes on to the caller. */
export function endsWithin(timeoutMs: number, call: () => void): boolean {
  const outer = sandbox.call;
  sandbox.call = call;
  try {
    script.runInContext(sandbox, { timeout: timeoutMs });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return false;
    throw error;
  } finally {
    sandbox.call = outer;
  }
}
