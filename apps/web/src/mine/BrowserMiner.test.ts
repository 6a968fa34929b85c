/** @file The page's side of mining with a worker that is played: pausing, stopping, failing, starting again. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CallTable, PortCalls } from '@alice/protocol';
import { BrowserMiner } from './BrowserMiner.js';
import type { MiningRequest, PageCalls } from './minerCalls.js';
import { workerPort } from './workerPort.js';

const REQUEST: MiningRequest = {
  serverUrl: 'http://127.0.0.1/',
  device: 'auto',
  threads: 1,
  deviceName: 'test',
  memoryBytes: 0,
};

/** A worker's two ends over a message channel; what the page asks of it is noted. */
class PlayedWorker {
  readonly asked: string[] = [];
  readonly page: PortCalls<PageCalls>;
  readonly end: { resolve(): void; reject(error: Error): void };
  readonly #channel = new MessageChannel();
  readonly #errors: ((event: { message: string }) => void)[] = [];
  isTerminated = false;

  constructor() {
    let end: PlayedWorker['end'] | undefined;
    const ended = new Promise<void>((resolve, reject) => (end = { resolve, reject }));
    this.end = end!;
    ended.catch(() => undefined); // it may be told before it is asked to mine
    const note = (name: string) => async (): Promise<void> => void this.asked.push(name);
    const calls: CallTable = {
      address: async () => 'a2own',
      phrase: async () => 'twelve words',
      mine: async (request: MiningRequest) => {
        this.asked.push(`mine ${request.device}`);
        return ended;
      },
      pause: note('pause'),
      resume: note('resume'),
      stop: async () => {
        this.asked.push('stop');
        this.end.resolve();
      },
    };
    const { port2 } = this.#channel;
    this.page = new PortCalls<PageCalls>(workerPort(port2 as never), calls);
    port2.start();
    this.#channel.port1.start();
  }

  /** What the page holds. */
  get handle(): Worker {
    const { port1 } = this.#channel;
    return {
      postMessage: (message: unknown) => port1.postMessage(message),
      addEventListener: (type: string, listener: (event: never) => void) => {
        if (type === 'message') port1.addEventListener('message', listener as never);
        else this.#errors.push(listener as (event: { message: string }) => void);
      },
      terminate: () => {
        this.isTerminated = true;
        port1.close();
      },
    } as unknown as Worker;
  }

  crash(message: string): void {
    for (const listener of this.#errors) listener({ message });
  }
}

function played(): { miner: BrowserMiner; workers: PlayedWorker[] } {
  const workers: PlayedWorker[] = [];
  const openWorker = (): Worker => {
    workers.push(new PlayedWorker());
    return workers.at(-1)!.handle;
  };
  return { miner: new BrowserMiner({ openWorker, nowMs: () => 5 }), workers };
}

/** Resolves once the miner's state fits. */
function until(miner: BrowserMiner, fits: (state: BrowserMiner['state']) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!fits(miner.state)) return;
      stop();
      resolve();
    };
    const stop = miner.onChange(look);
    look();
  });
}

describe('the page’s miner', () => {
  it('is on once it has registered, and off without a word when it is stopped', async () => {
    const { miner, workers } = played();
    const done = miner.start(REQUEST);
    assert.equal(miner.state.phase, 'starting');
    void miner.start(REQUEST);
    assert.equal(workers.length, 1, 'one worker, however often the button is pressed');
    const registered = { networkId: '', serverId: '', address: 'a2own', instance: 'browser' };
    void workers[0]!.page.call('event', { type: 'registered', ...registered });
    await until(miner, ({ phase }) => phase === 'mining');
    assert.equal(miner.state.figures.address, 'a2own');
    miner.stop();
    assert.equal(miner.state.phase, 'stopping');
    await done;
    assert.deepEqual([miner.state.phase, miner.state.problem], ['off', undefined]);
    assert.ok(workers[0]!.isTerminated);
  });

  it('stands still while any reason to is left, and starts paused when there is one', async () => {
    const { miner, workers } = played();
    miner.pause('hidden', true);
    const done = miner.start(REQUEST);
    miner.pause('person', true);
    miner.pause('hidden', false);
    assert.deepEqual(miner.state.pausedBy, ['person']);
    miner.pause('person', false);
    miner.stop();
    await done;
    assert.deepEqual(workers[0]!.asked, ['pause', 'mine auto', 'pause', 'pause', 'resume', 'stop']);
  });

  it('says why it ended when nobody asked it to, and can be started again', async () => {
    const { miner, workers } = played();
    const failing = miner.start(REQUEST);
    workers[0]!.end.reject(new Error('another tab of this browser is mining'));
    await failing;
    assert.deepEqual(
      [miner.state.phase, miner.state.problem],
      ['off', 'another tab of this browser is mining'],
    );
    const crashing = miner.start(REQUEST);
    assert.equal(miner.state.problem, undefined);
    workers[1]!.crash('out of memory');
    await crashing;
    assert.match(miner.state.problem ?? '', /out of memory/);
    assert.equal(miner.state.figures.log[0]?.text, 'out of memory');
  });

  it('gets the phrase from a worker of its own while it is off', async () => {
    const { miner, workers } = played();
    assert.equal(await miner.phrase(), 'twelve words');
    assert.ok(workers[0]!.isTerminated);
    assert.equal(miner.state.phase, 'off');
  });
});
