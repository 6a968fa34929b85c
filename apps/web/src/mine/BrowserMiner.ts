/**
 * @file The page's side of mining: starts the worker, pauses it for as long as any reason stands, ends it, and gathers
 * its figures. Lives as long as the page, whichever view is open. Knows nothing of how it is shown.
 */
import { messageOf, PortCalls } from '@alice/protocol';
import { afterEvent, logged, type MineFigures, NO_FIGURES } from './mineFigures.js';
import type { MinerCalls, MiningRequest } from './minerCalls.js';
import { workerPort } from './workerPort.js';

export type MinePhase = 'off' | 'starting' | 'mining' | 'stopping';
export type PauseReason = 'person' | 'hidden' | 'battery';

export interface MineState {
  readonly phase: MinePhase;
  readonly pausedBy: readonly PauseReason[];
  readonly figures: MineFigures;
  /** Why mining ended, when nobody asked for it. */
  readonly problem: string | undefined;
}

export interface BrowserMinerPorts {
  openWorker(): Worker;
  nowMs(): number;
}

interface Running {
  readonly worker: Worker;
  readonly calls: PortCalls<MinerCalls>;
}

/** A worker in the middle of a long step is given this long to end by itself. */
const STOP_WAIT_MS = 60_000;

export class BrowserMiner {
  readonly #ports: BrowserMinerPorts;
  readonly #listeners = new Set<(state: MineState) => void>();
  #state: MineState = { phase: 'off', pausedBy: [], figures: NO_FIGURES, problem: undefined };
  #running: Running | undefined;

  constructor(ports: BrowserMinerPorts) {
    this.#ports = ports;
  }

  get state(): MineState {
    return this.#state;
  }

  /** Calls the listener at every change; returns how to stop that. */
  onChange(listener: (state: MineState) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Mines until stopped or until something happens that waiting cannot cure. Does nothing while it is on. */
  async start(request: MiningRequest): Promise<void> {
    if (this.#state.phase !== 'off') return;
    const running = this.#open();
    this.#running = running;
    const figures = { ...NO_FIGURES, activity: 'loading' };
    this.#set({ phase: 'starting', figures, problem: undefined });
    this.#tellPause();
    let problem: string | undefined;
    try {
      await running.calls.call('mine', request);
    } catch (error) {
      if (!this.#isStopping()) problem = messageOf(error);
    }
    running.worker.terminate();
    this.#running = undefined;
    this.#set({ phase: 'off', problem, figures: { ...this.#state.figures, activity: '', step: undefined } });
  }

  /** Mining stands still while there is any reason to. */
  pause(reason: PauseReason, on: boolean): void {
    const others = this.#state.pausedBy.filter((other) => other !== reason);
    this.#set({ pausedBy: on ? [...others, reason] : others });
    this.#tellPause();
  }

  /** Ends mining; work that was finished is sent or kept. */
  stop(): void {
    const running = this.#running;
    if (running === undefined || this.#isStopping()) return;
    this.#set({ phase: 'stopping' });
    void running.calls.call('stop', undefined).catch(() => undefined);
    setTimeout(() => this.#running === running && running.calls.end('it did not stop in time'), STOP_WAIT_MS);
  }

  /** The mining key's phrase, for its owner's eyes. Throws what making the key throws. */
  async phrase(): Promise<string> {
    if (this.#running) return this.#running.calls.call('phrase', undefined);
    const { worker, calls } = this.#open();
    try {
      return await calls.call('phrase', undefined);
    } finally {
      worker.terminate();
    }
  }

  #isStopping(): boolean {
    return this.#state.phase === 'stopping';
  }

  #open(): Running {
    const worker = this.#ports.openWorker();
    const calls: PortCalls<MinerCalls> = new PortCalls<MinerCalls>(workerPort(worker), {
      event: (event) => {
        const figures = afterEvent(this.#state.figures, event, this.#ports.nowMs());
        const isOn = this.#state.phase === 'starting' && event.type === 'registered';
        this.#set(isOn ? { figures, phase: 'mining' } : { figures });
      },
      device: (device) => this.#set({ figures: { ...this.#state.figures, device } }),
    });
    worker.addEventListener('error', (event) => {
      const why = event.message || 'its files could not be loaded; is the server there?';
      const { figures } = this.#state;
      this.#set({ figures: logged(figures, { atMs: this.#ports.nowMs(), text: why, kind: 'bad' }) });
      calls.end(why);
    });
    return { worker, calls };
  }

  #tellPause(): void {
    const name = this.#state.pausedBy.length > 0 ? 'pause' : 'resume';
    void this.#running?.calls.call(name, undefined).catch(() => undefined);
  }

  #set(change: Partial<MineState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener(this.#state);
  }
}
