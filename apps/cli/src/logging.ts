/**
 * @file The loggers of the command line: JSON lines (pino) for machines and for the supervisor that reads its
 * children, plain lines for people. Keys, phrases and tokens are never passed to a logger; what looks like one is cut.
 */
import type { LogFacts, Logger } from '@alice/protocol';
import pc from 'picocolors';
import { pino } from 'pino';

export type LogStyle = 'text' | 'json';
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const SECRET_FIELDS = ['password', 'secret', 'secretKey', 'mnemonic', 'token', 'signature', 'authorization'];

export function createLogger(name: string, style: LogStyle, level: LogLevel = 'info'): Logger {
  return style === 'json' ? jsonLogger(name, level) : textLogger(level);
}

function jsonLogger(name: string, level: LogLevel): Logger {
  const log = pino(
    { name, level, base: { name }, redact: { paths: SECRET_FIELDS, censor: '[cut]' } },
    pino.destination({ dest: 1, sync: true }),
  );
  const write = (kind: LogLevel) => (message: string, facts?: LogFacts) =>
    log[kind]({ ...plain(facts ?? {}) }, message);
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

function textLogger(level: LogLevel): Logger {
  const threshold = LOG_LEVELS.indexOf(level);
  const write = (kind: LogLevel) => (message: string, facts?: LogFacts) => {
    if (LOG_LEVELS.indexOf(kind) < threshold) return;
    const time = pc.dim(new Date().toISOString().slice(11, 19));
    process.stderr.write(`${time} ${colour(kind, message)}${formatFacts(facts)}\n`);
  };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

function colour(kind: LogLevel, message: string): string {
  if (kind === 'error') return pc.red(`error: ${message}`);
  if (kind === 'warn') return pc.yellow(`warning: ${message}`);
  return kind === 'debug' ? pc.dim(message) : message;
}

function formatFacts(facts: LogFacts | undefined): string {
  const entries = Object.entries(plain(facts ?? {}));
  if (entries.length === 0) return '';
  return pc.dim(`  ${entries.map(([key, value]) => `${key}=${short(value)}`).join(' ')}`);
}

function short(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text !== undefined && text.length > 200 ? `${text.slice(0, 200)}…` : String(text);
}

/** bigint and errors as strings, secret fields cut. */
function plain(facts: LogFacts): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts).map(([key, value]) => {
      if (SECRET_FIELDS.includes(key)) return [key, '[cut]'];
      if (typeof value === 'bigint') return [key, value.toString()];
      return [key, value instanceof Error ? value.message : value];
    }),
  );
}
