/**
 * @file Runs the `cometbft` program beside the node: started once the ABCI socket listens, started again after a pause
 * when it ends, stopped before the node's store closes. Its own log goes to a file in its home.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { type Logger, messageOf } from '@alice/protocol';

export interface CometProgram {
  /** Path of the program, or a name found in PATH. */
  readonly bin: string;
  /** Its directory with keys and blocks. */
  readonly home: string;
  /** Where other validators reach it, `tcp://host:port`. */
  readonly p2pAddress: string;
  /** Where its own RPC listens, `tcp://127.0.0.1:port`; port 0 takes any free one. */
  readonly rpcAddress: string;
  /** Comma-separated `id@host:port` of validators to stay connected with. */
  readonly persistentPeers?: string;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
const STOP_WITHIN_MS = 10_000;

export class CometProcess {
  readonly #program: CometProgram;
  readonly #abciAddress: string;
  readonly #log: Logger;
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #isClosed = false;

  constructor(program: CometProgram, abciAddress: string, log: Logger) {
    this.#program = program;
    this.#abciAddress = abciAddress;
    this.#log = log;
  }

  start(): void {
    const { bin, home, p2pAddress, rpcAddress, persistentPeers = '' } = this.#program;
    const output = openSync(join(home, 'cometbft.log'), 'a');
    const args = [
      ...['start', '--home', home, '--proxy_app', this.#abciAddress, '--abci', 'socket'],
      ...['--rpc.laddr', rpcAddress, '--p2p.laddr', p2pAddress, '--p2p.persistent_peers', persistentPeers],
    ];
    const child = spawn(bin, args, { stdio: ['ignore', output, output] });
    closeSync(output);
    this.#child = child;
    this.#log.info('CometBFT started', { pid: child.pid ?? 0, home });
    child.on('error', (error) => this.#log.error('CometBFT could not be run', { error: messageOf(error) }));
    child.once('close', (code, signal) => {
      this.#child = undefined;
      if (this.#isClosed) return;
      this.#log.warn('CometBFT ended; starting it again', { code, signal, afterMs: this.#pauseMs });
      this.#timer = setTimeout(() => this.start(), this.#pauseMs);
      this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
    });
  }

  /** For the process id that tests kill. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (!child || child.exitCode !== null) return;
    const closed = once(child, 'close');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    await closed;
    clearTimeout(timer);
  }
}
