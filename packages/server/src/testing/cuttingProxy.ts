/**
 * @file A proxy in front of a server that cuts connections in the middle of uploads: after so many bytes of a body have been
 * passed on and the server has them, since what a server has not read yet when a connection ends is lost.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface CuttingProxy {
  readonly port: number;
  /** Request lines that were passed on. */
  readonly requests: readonly string[];
  /** Bytes of uploads that were passed on. */
  readonly bodyBytes: number;
  readonly cuts: number;
  /** The next upload without such an order is cut when so many bytes of its body have been passed on. */
  cutNextUploadAt(bytes: number): void;
  close(): void;
}

const UPLOAD = /^(PUT|PATCH) /;

/** `hasRead`: resolves when the server has so many bytes of all uploads together. */
export async function startCuttingProxy(
  serverPort: number,
  hasRead: (bodyBytes: number) => Promise<void>,
): Promise<CuttingProxy> {
  const orders: number[] = [];
  const requests: string[] = [];
  const open = new Set<Socket>();
  let cuts = 0;
  let bodyBytes = 0;

  const carry = (client: Socket): void => {
    const server = connect(serverPort, '127.0.0.1');
    for (const socket of [client, server]) {
      open.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => open.delete(socket));
    }
    let left: number | undefined;
    server.pipe(client);
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
    client.on('data', (part: Buffer) => {
      const line = /^([A-Z]+ \S+) HTTP\/1\.1\r\n/.exec(part.toString('latin1'))?.[1];
      let head = 0;
      if (line !== undefined) {
        requests.push(line);
        left = UPLOAD.test(line) ? orders.shift() : undefined;
        head = part.indexOf('\r\n\r\n') + 4;
      }
      if (line === undefined || UPLOAD.test(line)) {
        if (left !== undefined && part.length - head >= left) {
          server.write(part.subarray(0, head + left));
          bodyBytes += left;
          cuts++;
          client.pause();
          void hasRead(bodyBytes).then(() => client.destroy());
          return;
        }
        bodyBytes += part.length - head;
        if (left !== undefined) left -= part.length - head;
      }
      server.write(part);
    });
  };
  const proxy = createServer(carry);
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    port: (proxy.address() as AddressInfo).port,
    requests,
    get bodyBytes() {
      return bodyBytes;
    },
    get cuts() {
      return cuts;
    },
    cutNextUploadAt: (bytes) => void orders.push(bytes),
    close() {
      proxy.close();
      for (const socket of open) socket.destroy();
    },
  };
}
