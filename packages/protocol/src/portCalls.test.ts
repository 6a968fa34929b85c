/** @file Calls over a port: answers find their caller, errors keep their code, a dead thread fails what is open. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { CodedError, errorCodeOf } from './errors.js';
import { Moved, PortCalls, portOfThread } from './portCalls.js';

interface Remote {
  double(value: number): Promise<number>;
  fail(how: 'coded' | 'plain'): Promise<never>;
  bytes(size: number): Promise<Uint8Array>;
  never(nothing: null): Promise<void>;
}

function pairOfSides() {
  const channel = new MessageChannel();
  const given: Uint8Array[] = [];
  const release: (() => void)[] = [];
  new PortCalls(portOfThread(channel.port2), {
    // The first call answers last: answers must not depend on order.
    double: (value: number) => {
      if (value === 1) return new Promise((resolve) => release.push(() => resolve(2)));
      release.pop()?.();
      return 2 * value;
    },
    fail: (how: string) => {
      if (how === 'plain') throw new TypeError('oops');
      throw new CodedError({ code: 'SHARD_TRUNCATED', wantBytes: 7, big: 5n }, 'too short');
    },
    bytes: (size: number) => {
      const bytes = new Uint8Array(size).fill(9);
      given.push(bytes);
      return new Moved(bytes, [bytes.buffer]);
    },
    never: () => new Promise(() => undefined),
  });
  const calls = new PortCalls<Remote>(portOfThread(channel.port1));
  return { calls, given, close: () => channel.port1.close() };
}

describe('PortCalls', () => {
  it('gives each caller its own answer, in whatever order they come', async () => {
    const { calls, close } = pairOfSides();
    assert.deepEqual(await Promise.all([calls.call('double', 1), calls.call('double', 21)]), [2, 42]);
    close();
  });

  it('carries coded errors with their data, others as THREAD_FAILED', async () => {
    const { calls, close } = pairOfSides();
    await assert.rejects(calls.call('fail', 'coded'), (error: CodedError) => {
      assert.deepEqual(error.info, { code: 'SHARD_TRUNCATED', wantBytes: 7, big: '5' });
      assert.equal(error.message, 'too short');
      return true;
    });
    await assert.rejects(
      calls.call('fail', 'plain'),
      (error: unknown) => errorCodeOf(error) === 'THREAD_FAILED',
    );
    close();
  });

  it('moves buffers instead of copying them', async () => {
    const { calls, given, close } = pairOfSides();
    assert.deepEqual([...(await calls.call('bytes', 3))], [9, 9, 9]);
    assert.equal(given[0]!.length, 0, 'the buffer has left the thread that made it');
    close();
  });

  it('fails open and later calls when the other side has ended', async () => {
    const { calls, close } = pairOfSides();
    const open = calls.call('never', null);
    calls.end('exit code 1');
    await assert.rejects(open, (error: unknown) => errorCodeOf(error) === 'THREAD_ENDED');
    await assert.rejects(calls.call('double', 3), (error: unknown) => errorCodeOf(error) === 'THREAD_ENDED');
    close();
  });
});
