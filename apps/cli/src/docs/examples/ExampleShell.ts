/**
 * @file Runs the commands of documents in bash, in a folder of its own. `alice`, `npx alice` and `npm run alice --` are this
 * clone's program. Commands that serve until they are stopped stay for the rest of their block, as if in windows of their
 * own, and must then end with exit code 0 at Ctrl-C.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a command that stays prints once it does what it is for. */
const STAYS: readonly (readonly [RegExp, RegExp])[] = [
  [/^alice up\b(?!.*--epochs)/, /status page/],
  [/^alice miner (?!status|estimate|install-service)-/, /Model is up to date/],
  [/^alice node --spec/, /Chain node is ready/],
  [/^alice server --(?!help)/, /Parameter server is ready/],
  [/^alice scorer\b/, /Registered as a scorer/],
  [/^alice serve\b/, /\/v1/],
  [/^alice data serve\b/, /http:\/\//],
];
const READY_WITHIN_MS = 180_000;
const ENDS_WITHIN_MS = 240_000;
/** The shims lie in the first folder of the path. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: bash expands it
const WITHOUT_SHIMS = 'PATH=${PATH#*:}';

export interface Ran {
  readonly exitCode: number | null;
  readonly output: string;
}

interface Running {
  readonly command: string;
  readonly child: ChildProcess;
  readonly closed: Promise<number | null>;
  output(): string;
}

export class ExampleShell {
  readonly #env: NodeJS.ProcessEnv;
  readonly #dir: string;
  #kept: Running[] = [];
  /** Lines that only set something for those after them. */
  #before: string[] = [];

  constructor(dir: string, home: string) {
    this.#dir = dir;
    mkdirSync(dir, { recursive: true });
    mkdirSync(home, { recursive: true });
    const path = `${writeShims(join(home, 'bin'))}${delimiter}${process.env['PATH']}`;
    this.#env = { ...process.env, PATH: path, HOME: home, NO_COLOR: '1' };
  }

  /** To its end, or until it does what it is for. Fails by what it returns, never by throwing. */
  async run(command: string): Promise<Ran> {
    if (/^(export|cd) |^[A-Z]+=\S+$/.test(command)) {
      this.#before.push(command);
      return { exitCode: 0, output: '' };
    }
    const ready = readyMark(command);
    const running = this.#start(command, ready !== undefined);
    return ready === undefined ? await ended(running) : await this.#stays(running, ready);
  }

  /** Ends what stays, the newest first. */
  async endBlock(): Promise<readonly (Ran & { readonly command: string })[]> {
    const results: (Ran & { command: string })[] = [];
    for (const running of this.#kept.reverse()) {
      running.child.kill('SIGINT');
      results.push({ command: running.command, ...(await ended(running)) });
    }
    this.#kept = [];
    this.#before = [];
    return results;
  }

  /** Whatever still runs, at once. */
  kill(): void {
    for (const { child } of this.#kept) child.kill('SIGKILL');
  }

  #start(command: string, isSingle: boolean): Running {
    const script = [...this.#before, isSingle ? `exec ${command}` : command].join('\n');
    const child = spawn('bash', ['-euo', 'pipefail', '-c', script], {
      ...{ cwd: this.#dir, env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] },
    });
    let output = '';
    const add = (part: Buffer): void => {
      output += part.toString('utf8');
    };
    child.stdout!.on('data', add);
    child.stderr!.on('data', add);
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
    return { command, child, closed, output: () => output };
  }

  async #stays(running: Running, ready: RegExp): Promise<Ran> {
    const { child, closed, output } = running;
    const isReady = await new Promise<boolean>((resolve) => {
      const look = (): void => {
        if (ready.test(output())) resolve(true);
      };
      child.stdout!.on('data', look);
      child.stderr!.on('data', look);
      void closed.then(() => resolve(false));
      setTimeout(() => resolve(false), READY_WITHIN_MS).unref();
    });
    if (isReady) this.#kept.push(running);
    else child.kill('SIGKILL');
    return { exitCode: isReady ? 0 : ((await closed) ?? -1), output: output() };
  }
}

function readyMark(command: string): RegExp | undefined {
  const plain = command.replace(/^(?:npx |npm run (?:-s )?)?alice(?: --)?(?= )/, 'alice');
  return STAYS.find(([pattern]) => pattern.test(plain))?.[1];
}

async function ended({ child, closed, output }: Running): Promise<Ran> {
  const timer = setTimeout(() => child.kill('SIGKILL'), ENDS_WITHIN_MS);
  const exitCode = await closed;
  clearTimeout(timer);
  return { exitCode, output: output() };
}

/** `alice` of this clone under the names that documents use; other uses of npm and npx reach the real ones. */
function writeShims(bin: string): string {
  mkdirSync(bin, { recursive: true });
  const main = fileURLToPath(new URL('../../main.js', import.meta.url));
  const root = fileURLToPath(new URL('../../../../..', import.meta.url));
  const shim = (name: string, lines: readonly string[]): void =>
    writeFileSync(join(bin, name), ['#!/usr/bin/env bash', ...lines, ''].join('\n'), { mode: 0o755 });
  shim('alice', [`exec '${process.execPath}' '${main}' "$@"`]);
  shim('npx', ['[ "$1" = alice ] && { shift; exec alice "$@"; }', `${WITHOUT_SHIMS} exec npx "$@"`]);
  shim('npm', [
    'if [ "$1" = start ]; then shift; [ "$1" = -- ] && shift; exec alice up "$@"; fi',
    'if [ "$1 $2" = "run -s" ]; then shift 2; set -- run "$@"; fi',
    'if [ "$1 $2" = "run alice" ]; then shift 2; [ "$1" = -- ] && shift; exec alice "$@"; fi',
    `${WITHOUT_SHIMS} exec npm --prefix '${root}' "$@"`,
  ]);
  return bin;
}
