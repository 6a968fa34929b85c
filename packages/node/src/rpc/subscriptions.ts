/**
 * @file Every method that keeps sending. Each starts with the present state, so a client never waits for the next
 * block to learn the current one.
 */
import { type HexString, toHex } from '@alice/protocol';
import type { Block } from '../block.js';
import type { ExtrinsicEvent, Unsubscribe } from '../engine/interface.js';
import { blake2 } from '../trie/blake2.js';
import { headerJson } from './blockJson.js';
import type { Json, RpcContext, RpcSubscription } from './context.js';

const MOST_KEYS = 4096;

type HeadSource = (context: RpcContext) => {
  now: Block;
  follow(listener: (block: Block) => void): Unsubscribe;
};

const newest: HeadSource = ({ engine }) => ({
  now: engine.chain.head,
  follow: (listener) => engine.onBlock(listener),
});
const final: HeadSource = ({ engine }) => ({
  now: engine.finalized,
  follow: (listener) => engine.onFinalized(listener),
});

function heads(notification: string, unsubscribe: string, source: HeadSource): RpcSubscription {
  const start: RpcSubscription['start'] = (context, _params, { send }) => {
    const { now, follow } = source(context);
    send(headerJson(now));
    return follow((block) => send(headerJson(block)));
  };
  return { notification, unsubscribe, start };
}

const storage: RpcSubscription = {
  notification: 'state_storage',
  unsubscribe: 'state_unsubscribeStorage',
  start: ({ engine }, params, { send }) => {
    const keys = params.bytesList(0, MOST_KEYS).map((key) => ({ key, hex: toHex(key) }));
    const sent = new Map<HexString, string | null>();
    const sendChanges = (block: Block): void => {
      const changes: [HexString, string | null][] = [];
      for (const { key, hex } of keys) {
        const bytes = engine.chain.headState.get(key);
        const value = bytes ? toHex(bytes) : null;
        if (sent.get(hex) === value) continue;
        sent.set(hex, value);
        changes.push([hex, value]);
      }
      if (changes.length > 0) send({ block: block.hash, changes });
    };
    sendChanges(engine.chain.head);
    return engine.onBlock(sendChanges);
  },
};

const runtimeVersion: RpcSubscription = {
  notification: 'state_runtimeVersion',
  unsubscribe: 'state_unsubscribeRuntimeVersion',
  start: ({ runtime }, _params, { send }) => {
    send(runtime.versionJson as Json);
    return () => undefined; // the runtime of a running node never changes
  },
};

const ENDING: ReadonlySet<ExtrinsicEvent['kind']> = new Set(['finalized', 'usurped', 'dropped', 'invalid']);

const watchExtrinsic: RpcSubscription = {
  notification: 'author_extrinsicUpdate',
  unsubscribe: 'author_unwatchExtrinsic',
  start: async ({ engine }, params, { send, end }) => {
    const extrinsic = params.bytes(0);
    const stop = engine.watch(toHex(blake2(extrinsic)), (event) => {
      send(eventJson(event));
      if (ENDING.has(event.kind)) end();
    });
    try {
      // Its events are held back until the client knows the subscription.
      await engine.submit(extrinsic);
    } catch (error) {
      stop();
      throw error;
    }
    return stop;
  },
};

/** Substrate's TransactionStatus: a word, or a word with the block or rival it is about. */
function eventJson(event: ExtrinsicEvent): Json {
  if (event.kind === 'inBlock' || event.kind === 'finalized') return { [event.kind]: event.blockHash };
  return event.kind === 'usurped' ? { usurped: event.by } : event.kind;
}

const newHeads = heads('chain_newHead', 'chain_unsubscribeNewHeads', newest);
const finalizedHeads = heads('chain_finalizedHead', 'chain_unsubscribeFinalizedHeads', final);

export const subscriptions: Readonly<Record<string, RpcSubscription>> = {
  chain_subscribeNewHeads: newHeads,
  chain_subscribeNewHead: { ...newHeads, unsubscribe: 'chain_unsubscribeNewHead' },
  chain_subscribeAllHeads: heads('chain_allHead', 'chain_unsubscribeAllHeads', newest),
  chain_subscribeFinalizedHeads: finalizedHeads,
  chain_subscribeFinalisedHeads: { ...finalizedHeads, unsubscribe: 'chain_unsubscribeFinalisedHeads' },
  state_subscribeStorage: storage,
  state_subscribeRuntimeVersion: runtimeVersion,
  chain_subscribeRuntimeVersion: { ...runtimeVersion, unsubscribe: 'chain_unsubscribeRuntimeVersion' },
  author_submitAndWatchExtrinsic: watchExtrinsic,
};

/** The names that end a subscription. */
export const unsubscribeNames: ReadonlySet<string> = new Set(
  Object.values(subscriptions).map((s) => s.unsubscribe),
);
