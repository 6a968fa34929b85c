/** @file Bandwidth on a clock that only the test moves: never more than the limit, the same for each address that waits. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type BandwidthClock, createBandwidth, SLICE_BYTES } from './bandwidth.js';
import { pacedStream } from './pacedStream.js';

function testClock() {
  let nowMs = 0;
  let timers: { atMs: number; work: () => void }[] = [];
  const clock: BandwidthClock = {
    nowMs: () => nowMs,
    after(ms, work) {
      const timer = { atMs: nowMs + ms, work };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
  };
  return {
    clock,
    nowMs: () => nowMs,
    /** Goes on to the next timer; false when there is none. */
    step(): boolean {
      const next = timers.sort((a, b) => a.atMs - b.atMs).shift();
      if (!next) return false;
      nowMs = Math.max(nowMs, next.atMs);
      next.work();
      return true;
    },
  };
}

it('keeps to the limit and gives each address the same, however many connections it opens', () => {
  const time = testClock();
  const bandwidth = createBandwidth(1_000_000, time.clock);
  const got = new Map<string, number>();
  const download = (address: string, connection: string): void => {
    bandwidth.take(address, SLICE_BYTES, () => {
      got.set(connection, (got.get(connection) ?? 0) + SLICE_BYTES);
      download(address, connection);
    });
  };
  for (const connection of ['a1', 'a2', 'a3', 'a4']) download('a', connection);
  download('b', 'b1');
  while (time.nowMs() < 20_000) assert.ok(time.step());
  const { sentBytes } = bandwidth;
  assert.ok(sentBytes <= 20_000_000 + 100_000 + SLICE_BYTES, `${sentBytes} bytes in 20 s`);
  assert.ok(sentBytes >= 0.98 * 20_000_000, `${sentBytes} bytes: none of it is left lying`);
  const shares = ['a1', 'a2', 'a3', 'a4', 'b1'].map((connection) => got.get(connection)! / sentBytes);
  for (const [i, expected] of [1 / 8, 1 / 8, 1 / 8, 1 / 8, 1 / 2].entries())
    assert.ok(Math.abs(shares[i]! - expected) < 0.01, shares.join());
  assert.equal(bandwidth.waiting, 5);
});

it('sends the same bytes in the time the limit asks for, whether from a stream or from memory', async () => {
  const bytes = randomBytes(1_000_003);
  for (const source of [bytes, Readable.from([bytes.subarray(0, 7), bytes.subarray(7)])]) {
    const time = testClock();
    const received = buffer(pacedStream(createBandwidth(100_000, time.clock), 'a', source));
    let isOver = false;
    void received.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await turn();
      time.step();
    }
    assert.ok((await received).equals(bytes));
    assert.ok(time.nowMs() >= 9_500 && time.nowMs() <= 10_100, `${time.nowMs()} ms for ten seconds' worth`);
  }
});

it('counts without a limit, and forgets who hangs up', async () => {
  const free = createBandwidth(undefined);
  assert.equal((await buffer(pacedStream(free, 'a', randomBytes(200_000)))).length, 200_000);
  assert.deepEqual([free.sentBytes, free.waiting], [200_000, 0]);
  const time = testClock();
  const bandwidth = createBandwidth(1_000, time.clock);
  bandwidth.take('a', SLICE_BYTES, () => undefined); // the first burst
  const source = Readable.from([randomBytes(SLICE_BYTES)]);
  const leaving = pacedStream(bandwidth, 'a', source).resume();
  while (bandwidth.waiting === 0) await turn();
  leaving.destroy();
  while (bandwidth.waiting > 0 || !source.destroyed) await turn();
  assert.equal(time.step(), false, 'no timer is left');
  assert.equal(bandwidth.sentBytes, SLICE_BYTES);
});

it('passes on that a source has failed', async () => {
  const source = new Readable({ read: () => undefined });
  const received = buffer(pacedStream(createBandwidth(undefined), 'a', source));
  source.destroy(new Error('no such blob'));
  await assert.rejects(received, /no such blob/);
});
