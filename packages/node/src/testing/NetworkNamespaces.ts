/**
 * @file Validators on a network of their own: each in a Linux network namespace with two cables, one to this process
 * (CometBFT's RPC) and one to the other validators, which can be pulled into another switch. What then happens is the
 * kernel's doing, as between machines. Needs to run in `unshare --map-root-user --net --mount` (`isPossible`).
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const CONTROL = '10.77.1';
const PEERS = '10.77.2';
/** What `unshare` makes, so that nothing of this machine's own network is touched. */
export const UNSHARED = ['--map-root-user', '--net', '--mount'] as const;

const ip = (...args: readonly string[]): void => {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
};

/** Whether this machine lets us make namespaces of our own. */
export function isPossible(): boolean {
  try {
    execFileSync('unshare', [...UNSHARED, 'ip', 'link', 'add', 'probe', 'type', 'bridge'], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}

export class NetworkNamespaces {
  readonly #count: number;

  /** Lays all cables; call it once, in a network that is ours. */
  constructor(count: number) {
    this.#count = count;
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
    mkdirSync('/run/netns');
    ip('link', 'set', 'lo', 'up');
    for (const bridge of ['control', 'left', 'right']) {
      ip('link', 'add', bridge, 'type', 'bridge');
      ip('link', 'set', bridge, 'up');
    }
    ip('addr', 'add', `${CONTROL}.254/24`, 'dev', 'control');
    for (let i = 0; i < count; i++) this.#plugIn(i);
  }

  /** Where a validator's CometBFT listens: for its node, and for its peers. */
  rpcAddress(i: number): string {
    return `tcp://${CONTROL}.${i + 1}:26657`;
  }

  peerAddress(i: number): string {
    return `${PEERS}.${i + 1}:26656`;
  }

  /** A program that is `bin`, run in the namespace of validator `i`. */
  programIn(i: number, bin: string, dir: string): string {
    const path = join(dir, `cometbft-${i}`);
    writeFileSync(path, `#!/bin/sh\nexec ip netns exec v${i} '${bin}' "$@"\n`, { mode: 0o700 });
    return path;
  }

  /** Moves these validators to a switch of their own, the others stay together. */
  split(away: readonly number[]): void {
    for (let i = 0; i < this.#count; i++)
      ip('link', 'set', `p${i}`, 'master', away.includes(i) ? 'right' : 'left');
  }

  mend(): void {
    this.split([]);
  }

  #plugIn(i: number): void {
    const namespace = `v${i}`;
    ip('netns', 'add', namespace);
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
    for (const [cable, subnet, bridge] of [
      ['c', CONTROL, 'control'],
      ['p', PEERS, 'left'],
    ] as const) {
      ip('link', 'add', `${cable}${i}`, 'type', 'veth', 'peer', 'name', cable, 'netns', namespace);
      ip('link', 'set', `${cable}${i}`, 'master', bridge, 'up');
      ip('-n', namespace, 'addr', 'add', `${subnet}.${i + 1}/24`, 'dev', cable);
      ip('-n', namespace, 'link', 'set', cable, 'up');
    }
  }
}
