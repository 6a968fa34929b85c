/** @file The logger every component takes. Message constant, facts in the object; no peer-supplied text above debug. */

export type LogFacts = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, facts?: LogFacts): void;
  info(message: string, facts?: LogFacts): void;
  warn(message: string, facts?: LogFacts): void;
  error(message: string, facts?: LogFacts): void;
}

const nothing = (): void => undefined;
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
