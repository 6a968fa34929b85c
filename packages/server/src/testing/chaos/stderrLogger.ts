/** @file Warnings and errors of a process that is about to be killed: written at once, one JSON object a line. */
import { writeSync } from 'node:fs';
import { type LogFacts, type Logger, silentLogger } from '@alice/protocol';

const write =
  (level: string) =>
  (message: string, facts?: LogFacts): void =>
    void writeSync(2, `${JSON.stringify({ at: new Date().toISOString(), level, message, ...facts })}\n`);

export const stderrLogger: Logger = { ...silentLogger, warn: write('warn'), error: write('error') };
