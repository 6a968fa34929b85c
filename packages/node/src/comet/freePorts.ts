/**
 * @file Ports of this machine that nobody listens on at the moment, for programs that must be told their port before
 * they start. Another program may take one in between; whoever starts the program notices and asks again.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** `count` different free TCP ports on the loopback interface. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(
    servers.map((server) => new Promise<void>((resolve) => void server.close(() => resolve()))),
  );
  return ports;
}

/** `tcp://host:port` with a free port where it says 0; any other address as it is. */
export async function withFreePort(address: string): Promise<string> {
  if (!address.endsWith(':0')) return address;
  const [port] = await freePorts(1);
  return `${address.slice(0, -1)}${port}`;
}
