/**
 * @file Wake-up calls that reach every node of a shared database: "a task may be ready", "a job is queued", "look at the
 * round", "the status changed". Sent at most twenty times a second a topic; with an embedded database nobody listens.
 */
import type { Database } from '../database/Database.js';
import { createWaiters, type Waiters } from '../waiters.js';

export type Topic = 'tasks' | 'jobs' | 'round' | 'status' | 'bans';

export interface NodeNotices {
  /** Tells the other nodes. */
  tell(topic: Topic): void;
  /** Calls `act` when another node (or this one) told `topic`. */
  on(topic: Topic, act: () => void): void;
  close(): void;
}

const PAUSE_MS = 50;

export function createNodeNotices({ shared }: Database): NodeNotices {
  const actions = new Map<string, () => void>();
  const pending = new Map<Topic, NodeJS.Timeout>();
  shared?.listen((topic) => actions.get(topic)?.());
  return {
    tell(topic) {
      if (!shared || pending.has(topic)) return;
      pending.set(
        topic,
        setTimeout(() => {
          pending.delete(topic);
          shared.notify(topic);
        }, PAUSE_MS),
      );
    },
    on: (topic, act) => void actions.set(topic, act),
    close() {
      for (const timer of pending.values()) clearTimeout(timer);
      pending.clear();
    },
  };
}

/** Waiters that every node's `wake` reaches. */
export function sharedWaiters(notices: NodeNotices, topic: Topic): Waiters {
  const local = createWaiters();
  notices.on(topic, () => local.wake());
  return {
    wait: (timeoutMs, signal) => local.wait(timeoutMs, signal),
    end: () => local.end(),
    wake() {
      local.wake();
      notices.tell(topic);
    },
    get size() {
      return local.size;
    },
  };
}
