/**
 * @file The cables between the validators of a test network: every connection from one to another goes through a port of
 * this process, which can be cut in two ways: `reset` ends what is open and refuses new ones, `silence` lets everything
 * hang as a dead line does. It looks at no byte.
 */
import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net';

export type Cut = 'reset' | 'silence';

class Link {
  readonly server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #cut: Cut | undefined;

  constructor(targetPort: number) {
    this.server = createServer((near) => {
      if (this.#cut === 'reset') return void near.destroy();
      const far = createConnection(targetPort, '127.0.0.1');
      const pair = [near, far] as const;
      this.#pairs.add(pair);
      const end = (): void => {
        this.#pairs.delete(pair);
        near.destroy();
        far.destroy();
      };
      for (const socket of pair) socket.on('error', end).on('close', end);
      near.pipe(far);
      far.pipe(near);
      if (this.#cut === 'silence') this.#silence(pair);
    });
  }

  cut(how: Cut): void {
    this.#cut = how;
    for (const pair of [...this.#pairs]) {
      if (how === 'reset') for (const socket of pair) socket.destroy();
      else this.#silence(pair);
    }
  }

  mend(): void {
    this.#cut = undefined;
    for (const [near, far] of this.#pairs) {
      near.pipe(far);
      far.pipe(near);
    }
  }

  close(): void {
    this.cut('reset');
    this.server.close();
  }

  #silence([near, far]: readonly [Socket, Socket]): void {
    near.unpipe(far).pause();
    far.unpipe(near).pause();
  }
}

export class CuttableLinks {
  readonly #links: ReadonlyMap<string, Link>;

  private constructor(links: ReadonlyMap<string, Link>) {
    this.#links = links;
  }

  /** One link from every validator to every other, whose P2P ports these are. */
  static async between(ports: readonly number[]): Promise<CuttableLinks> {
    const links = new Map<string, Link>();
    for (const from of ports.keys())
      for (const [to, port] of ports.entries()) {
        if (from === to) continue;
        const link = new Link(port);
        await once(link.server.listen(0, '127.0.0.1'), 'listening');
        links.set(`${from} ${to}`, link);
      }
    return new CuttableLinks(links);
  }

  /** Where `from` reaches `to`. */
  port(from: number, to: number): number {
    return (this.#links.get(`${from} ${to}`)!.server.address() as AddressInfo).port;
  }

  /** Cuts all links between the group and the rest. */
  isolate(group: readonly number[], how: Cut): void {
    for (const [ends, link] of this.#links) {
      const [from, to] = ends.split(' ').map(Number) as [number, number];
      if (group.includes(from) !== group.includes(to)) link.cut(how);
    }
  }

  mend(): void {
    for (const link of this.#links.values()) link.mend();
  }

  close(): void {
    for (const link of this.#links.values()) link.close();
  }
}
