/** @file The socket against a scripted node: answers, refusals, subscriptions, a node that goes and comes back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChainSocket, type SocketLike } from './ChainSocket.js';

interface Request {
  readonly id: number;
  readonly method: string;
  readonly params: unknown[];
}

/** A node in the test's hands; time passes only when the test says so. */
function scripted() {
  const sockets: (SocketLike & { sent: Request[] })[] = [];
  const timers = new Map<() => void, number>();
  const chain = new ChainSocket('ws://node', {
    open: () => {
      const sent: Request[] = [];
      const socket = {
        onopen: null,
        onclose: null,
        onmessage: null,
        sent,
        send: (text: string) => void sent.push(JSON.parse(text) as Request),
        close: () => undefined,
      };
      sockets.push(socket);
      return socket;
    },
    later: (run, ms) => {
      timers.set(run, ms);
      return () => void timers.delete(run);
    },
  });
  const pass = (ms: number): void => {
    for (const [run, at] of [...timers])
      if (at <= ms) {
        timers.delete(run);
        run();
      }
  };
  const answer = (message: Record<string, unknown>): void =>
    sockets.at(-1)!.onmessage!({ data: JSON.stringify({ jsonrpc: '2.0', ...message }) });
  return { chain, sockets, pass, answer, waits: () => [...timers.values()] };
}

const codeOf = async (run: Promise<unknown>): Promise<unknown> =>
  run.then(
    () => 'ok',
    (error: { code: string }) => error.code,
  );
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('calls wait for the connection, answers find their calls in any order', async () => {
  const { chain, sockets, answer } = scripted();
  const [first, second] = [chain.call('a', [1]), chain.call('b')];
  assert.equal(sockets[0]!.sent.length, 0);
  sockets[0]!.onopen!();
  const [a, b] = sockets[0]!.sent;
  assert.deepEqual([a!.method, a!.params, b!.method], ['a', [1], 'b']);
  answer({ id: b!.id, result: 'two' });
  answer({ id: a!.id, result: 'one' });
  assert.deepEqual(await Promise.all([first, second]), ['one', 'two']);
});

test('a refusal, silence and a lost connection have their codes; nothing is sent twice', async () => {
  const { chain, sockets, pass, answer } = scripted();
  sockets[0]!.onopen!();
  const refused = codeOf(chain.call('x'));
  answer({ id: sockets[0]!.sent[0]!.id, error: { code: 1010, message: 'Invalid Transaction' } });
  assert.equal(await refused, 'CHAIN_RPC_ERROR');
  const silent = codeOf(chain.call('y'));
  pass(10_000);
  assert.equal(await silent, 'CHAIN_UNREACHABLE');
  const lost = codeOf(chain.call('author_submitExtrinsic'));
  sockets[0]!.onclose!();
  assert.equal(await lost, 'CHAIN_UNREACHABLE');
  pass(1000);
  sockets[1]!.onopen!();
  assert.deepEqual(sockets[1]!.sent, []);
});

test('subscriptions come back with the connection, under their new name', async () => {
  const { chain, sockets, pass, answer } = scripted();
  const states: boolean[] = [];
  chain.onState((isOpen) => states.push(isOpen));
  const items: unknown[] = [];
  const stop = chain.subscribe({ method: 'sub', unsubscribe: 'unsub' }, (item) => items.push(item));
  const item = (subscription: string, result: number): void =>
    answer({ method: 'n', params: { subscription, result } });
  sockets[0]!.onopen!();
  answer({ id: sockets[0]!.sent[0]!.id, result: 's1' });
  item('s1', 1);
  await turn();
  item('other', 9);
  await turn();
  sockets[0]!.onclose!();
  pass(1000);
  sockets[1]!.onopen!();
  answer({ id: sockets[1]!.sent[0]!.id, result: 's2' });
  item('s1', 8);
  item('s2', 2);
  await turn();
  assert.deepEqual(items, [1, 2]);
  assert.deepEqual(states, [true, false, true]);
  stop();
  assert.deepEqual(sockets[1]!.sent.at(-1)!.params, ['s2']);
});

test('it tries again less and less often, and at once no more after close', () => {
  const { chain, sockets, pass, waits } = scripted();
  const seen: number[] = [];
  for (let i = 0; i < 6; i++) {
    sockets.at(-1)!.onclose!();
    seen.push(waits()[0]!);
    pass(20_000);
  }
  assert.deepEqual(seen, [1000, 2000, 4000, 8000, 10_000, 10_000]);
  chain.close();
  sockets.at(-1)!.onclose!();
  assert.deepEqual(waits(), []);
});
