/**
 * @file A program that computes, as seen from the thread that started it. On the processor it runs in a worker thread;
 * on any other device in a process of its own, because a provider that crashes takes its process along. It is started at
 * the first call, and anew at the first one after it died; a device whose process died is given up for the processor.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type CallTable, errorCodeOf, type MessagePortLike, PortCalls, portOfThread } from '@alice/protocol';
import type { DeviceName } from './device.js';
import type { Told } from './servedDevice.js';

export interface ComputeProgramOptions<Settings> {
  /** Its file; it learns what it is for from `servedDevice`. */
  readonly program: URL;
  /** Of the thread, for those who look on. */
  readonly name: string;
  readonly device: DeviceName;
  /** What it is told beside the device. */
  readonly settingsOn: (device: DeviceName) => Settings;
  /** What it may call. */
  readonly handlers: CallTable;
  /** Told when a device's process died: from the next call on the processor computes. */
  readonly onDeviceLost?: ((device: DeviceName, reason: string) => void) | undefined;
}

interface Started {
  readonly port: MessagePortLike;
  onEnd(ended: (reason: string, cause?: unknown) => void): void;
  kill(): Promise<void>;
}

interface Running<Remote extends object> {
  readonly calls: PortCalls<Remote>;
  readonly started: Started;
}

export class ComputeProgram<Remote extends object, Settings = undefined> {
  readonly #options: ComputeProgramOptions<Settings>;
  #device: DeviceName;
  #running: Running<Remote> | undefined;

  constructor(options: ComputeProgramOptions<Settings>) {
    this.#options = options;
    this.#device = options.device;
  }

  /** Its calls; started if it does not run. Calls open when it dies fail with `THREAD_ENDED`. */
  get calls(): PortCalls<Remote> {
    this.#running ??= this.#start();
    return this.#running.calls;
  }

  /** Its calls while it runs. */
  get runningCalls(): PortCalls<Remote> | undefined {
    return this.#running?.calls;
  }

  /** Ends it after `goodbye`, which may find it dead already. */
  async end(goodbye: (calls: PortCalls<Remote>) => Promise<unknown>): Promise<void> {
    const running = this.#running;
    if (!running) return;
    try {
      await goodbye(running.calls);
    } catch (error) {
      if (errorCodeOf(error) !== 'THREAD_ENDED') throw error;
    } finally {
      this.#running = undefined;
      await running.started.kill();
    }
  }

  #start(): Running<Remote> {
    const { program, name, settingsOn, handlers } = this.#options;
    const told: Told<Settings> = { device: this.#device, settings: settingsOn(this.#device) };
    const started = told.device === 'cpu' ? startThread(program, name, told) : startProcess(program, told);
    const running = { calls: new PortCalls<Remote>(started.port, handlers), started };
    started.onEnd((reason, cause) => {
      running.calls.end(reason, cause);
      if (this.#running !== running) return;
      this.#running = undefined;
      if (told.device !== 'cpu') this.#giveUp(told.device, reason);
    });
    return running;
  }

  #giveUp(device: DeviceName, reason: string): void {
    this.#device = 'cpu';
    this.#options.onDeviceLost?.(device, reason);
  }
}

function startThread(program: URL, name: string, told: Told<unknown>): Started {
  const worker = new Worker(program, { workerData: told, name });
  return {
    port: portOfThread(worker),
    onEnd(ended) {
      worker.on('error', (error) => ended(error.message, error));
      worker.on('exit', (code) => ended(`exit code ${code}`));
    },
    async kill() {
      await worker.terminate();
    },
  };
}

function startProcess(program: URL, told: Told<unknown>): Started {
  const child = fork(program, [JSON.stringify(told)], {
    ...{ serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
  });
  return {
    port: {
      // To a process that has just died nothing can be sent: its end, not this, fails the call.
      post: (message) => child.send(message as object, () => undefined),
      onMessage: (listener) => child.on('message', listener),
    },
    onEnd(ended) {
      child.on('error', (error) => ended(error.message, error));
      child.on('exit', (code, signal) => ended(signal ?? `exit code ${code}`));
    },
    async kill() {
      const isOver = child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
      if (isOver) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}
