/**
 * @file One line that says how the page stands with the chain: which node, reachable or not, the right network or not.
 * A node of another network is called out, since its balances would mean nothing here.
 */
import { messageOf, type NetworkStatus } from '@alice/protocol';
import type { OpenChain } from '../chain/openChain.js';
import { element } from '../dom.js';
import { shortHash } from '../format.js';

const SOURCES = {
  link: ' (given in this link, not by the server)',
  server: '',
  default: ' (the usual port of this host)',
};

export class ChainNotice {
  readonly node = element('p', { class: 'notice', role: 'status' }, 'looking for the chain …');
  #networkId: string | undefined;
  #open: OpenChain | undefined;
  #stop: () => void = () => undefined;

  /** Calling again changes nothing. */
  follow(open: OpenChain): void {
    if (this.#open) return;
    this.#open = open;
    this.#stop = open.reader.socket.onState(() => void this.#show());
    void this.#show();
  }

  onStatus({ networkId }: NetworkStatus): void {
    if (networkId === this.#networkId) return;
    this.#networkId = networkId;
    void this.#show();
  }

  close(): void {
    this.#stop();
  }

  async #show(): Promise<void> {
    if (!this.#open) return;
    const { reader, address } = this.#open;
    const at = `${address.url}${SOURCES[address.from]}`;
    if (!reader.socket.isOpen)
      return this.#say('waiting', `no chain node answers at ${at}; trying again until it does`);
    try {
      const genesis = await reader.genesisHash();
      if (this.#networkId !== undefined && genesis !== this.#networkId)
        this.#say(
          'wrong',
          `the node at ${at} is of another network (${shortHash(genesis)}); do not trust its figures`,
        );
      else this.#say('live', `chain node ${at}, genesis ${shortHash(genesis)}`);
    } catch (error) {
      this.#say('waiting', messageOf(error));
    }
  }

  #say(state: 'live' | 'waiting' | 'wrong', text: string): void {
    this.node.className = `notice ${state}`;
    this.node.textContent = text;
  }
}
