/**
 * @file Starts the processes of a network, restarts what dies, stops all in reverse order. Every child's output goes to
 * its own log file. A child that cannot even start is reported with its last words instead of being retried for ever.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { type Logger, withSignals } from '@alice/protocol';
import { CliError } from '../errors.js';
import type { ReadyMessage } from './lifecycle.js';

export interface ChildPlan {
  readonly name: string;
  /** Arguments of the `alice` command. */
  readonly args: readonly string[];
  /** The others go on without it when it cannot be kept running. */
  readonly isOptional?: boolean;
}

interface Child {
  readonly plan: ChildPlan;
  readonly log: WriteStream;
  process: ChildProcess | undefined;
  lastWords: string[];
  startedAtMs: number;
  /** Deaths in a row before the process was ready. */
  failedStarts: number;
  restarts: number;
  everReady: boolean;
}

const MAX_FAILED_STARTS = 4;
/** What the system ends a process with that reads a file which was cut off while mapped. */
const CRASHES: ReadonlySet<string> = new Set(['SIGBUS', 'SIGSEGV', 'SIGABRT']);
const STOP_GRACE_MS = 10_000;
/** How often a process that takes long to start is spoken of. It is never given up while it lives: machines may be slow. */
const SLOW_START_MS = 60_000;

export class Supervisor {
  readonly #children: Child[] = [];
  readonly #logDir: string;
  readonly #entry: string;
  readonly #log: Logger;
  readonly #signal: AbortSignal | undefined;
  readonly #onChange: () => void;
  #stopping = false;
  /** Rejects when a child can no longer be kept running. */
  readonly failed: Promise<never>;
  #fail!: (error: Error) => void;

  /** `onChange` is called whenever a process was started or restarted. */
  constructor(
    options: { logDir: string; entry: string },
    ports: { log: Logger; signal?: AbortSignal; onChange?: () => void },
  ) {
    this.#logDir = options.logDir;
    this.#entry = options.entry;
    this.#log = ports.log;
    this.#signal = ports.signal;
    this.#onChange = ports.onChange ?? (() => undefined);
    mkdirSync(this.#logDir, { recursive: true });
    this.failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => undefined);
  }

  /** Process ids by name, for reports and tests. */
  pids(): Record<string, number> {
    return Object.fromEntries(
      this.#children.flatMap(({ plan, process: p }) => (p?.pid ? [[plan.name, p.pid]] : [])),
    );
  }

  /** Restarts after unexpected deaths, all children together. */
  get restarts(): number {
    return this.#children.reduce((sum, child) => sum + child.restarts, 0);
  }

  /** Starts a child; resolves when it says it is ready. Throws CHILD_FAILED with its last words, the signal's reason when aborted. */
  async start(plan: ChildPlan): Promise<ReadyMessage> {
    this.#signal?.throwIfAborted();
    const child: Child = {
      plan,
      log: this.#openLog(plan.name),
      process: undefined,
      lastWords: [],
      startedAtMs: 0,
      failedStarts: 0,
      restarts: 0,
      everReady: false,
    };
    this.#children.push(child);
    const timer = setInterval(
      () =>
        this.#log.warn('A process takes long to start; Ctrl-C stops waiting', {
          process: plan.name,
          log: this.#logPath(plan.name),
        }),
      SLOW_START_MS,
    );
    try {
      return await withSignals(
        [this.#signal],
        (ended) =>
          new Promise<ReadyMessage>((resolve, reject) => {
            this.failed.catch(reject);
            ended.addEventListener('abort', () => reject(ended.reason));
            this.#spawn(child, resolve);
          }),
      );
    } finally {
      clearInterval(timer);
    }
  }

  #logPath(name: string): string {
    return join(this.#logDir, `${name}.log`);
  }

  /** A log that cannot be written (a full disk) is lost; the process it is of goes on. */
  #openLog(name: string): WriteStream {
    const log = createWriteStream(this.#logPath(name), { flags: 'a' });
    log.once('error', (error) => {
      this.#log.warn('The log of a process cannot be written', { process: name, error });
      log.on('error', () => undefined);
    });
    return log;
  }

  #spawn(child: Child, onReady: (message: ReadyMessage) => void): void {
    child.startedAtMs = Date.now();
    const spawned = spawn(process.execPath, ['--enable-source-maps', this.#entry, ...child.plan.args], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: process.platform !== 'win32', // Ctrl-C reaches only the supervisor, which then stops the rest in order
    });
    child.process = spawned;
    this.#onChange();
    const keep = (chunk: Buffer): void => {
      child.log.write(chunk);
      child.lastWords = [...child.lastWords, ...chunk.toString('utf8').split('\n').filter(Boolean)].slice(-6);
    };
    spawned.stdout?.on('data', keep);
    spawned.stderr?.on('data', keep);
    spawned.on('message', (message: ReadyMessage) => {
      if (message?.type !== 'ready') return;
      child.failedStarts = 0;
      child.everReady = true;
      onReady(message);
    });
    spawned.on('error', (error) => keep(Buffer.from(`${error.message}\n`)));
    spawned.on('close', (code, signal) => this.#onClose(child, code, signal, onReady));
  }

  #onClose(
    child: Child,
    code: number | null,
    signal: NodeJS.Signals | null,
    onReady: (message: ReadyMessage) => void,
  ): void {
    child.process = undefined;
    if (this.#stopping) return;
    child.failedStarts += 1;
    if (child.failedStarts >= MAX_FAILED_STARTS || (!child.everReady && code === 1)) {
      const crash =
        signal && CRASHES.has(signal) ? ' (a damaged file in its folder? then restore a backup)' : '';
      this.#giveUp(child, `stopped with ${signal ?? `code ${code}`}${crash}`);
      return;
    }
    child.restarts += 1;
    const delayMs = 250 * 2 ** Math.min(child.failedStarts, 5);
    this.#log.warn('A process died and is being restarted', {
      process: child.plan.name,
      cause: signal ?? `exit code ${code}`,
    });
    setTimeout(() => {
      if (!this.#stopping) this.#spawn(child, onReady);
    }, delayMs);
  }

  #giveUp(child: Child, what: string): void {
    const failure = this.#failure(child, what);
    if (child.plan.isOptional)
      this.#log.warn('A process that is not needed for training was given up', { reason: failure.message });
    else this.#fail(failure);
  }

  #failure(child: Child, what: string): CliError {
    const words = child.lastWords.map(lastWord).join('\n  ');
    return new CliError(
      { code: 'CHILD_FAILED', name: child.plan.name },
      `the process "${child.plan.name}" ${what}. It last said:\n  ${words}\nIts whole log: ${this.#logPath(child.plan.name)}`,
    );
  }

  /** Stops every child, last started first; kills what does not stop in time. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const child of [...this.#children].reverse()) {
      await stopProcess(child.process);
      child.log.end();
    }
  }
}

/** The message of a JSON log line, or the line itself. */
function lastWord(line: string): string {
  try {
    const record = JSON.parse(line) as { msg?: unknown };
    return typeof record.msg === 'string' ? record.msg : line;
  } catch {
    return line;
  }
}

async function stopProcess(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
    child.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
