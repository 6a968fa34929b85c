/** @file A plain web server of some files, with Range as nginx has it or without, that counts what it sends. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface FileServer {
  readonly url: string;
  /** Files may be changed or removed while it runs. */
  readonly files: Map<string, Uint8Array>;
  /** `name from-to` of each answer. */
  readonly sent: string[];
}

export async function fileServer(
  t: TestContext,
  files: ReadonlyMap<string, Uint8Array>,
  { hasRanges = true }: { hasRanges?: boolean } = {},
): Promise<FileServer> {
  const own = new Map(files);
  const sent: string[] = [];
  const server = createServer((request, response) => {
    const name = decodeURIComponent(request.url!.slice(1));
    const content = own.get(name);
    if (content === undefined) return void response.writeHead(404).end();
    const range = hasRanges ? /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') : null;
    if (range === null) {
      sent.push(`${name} all`);
      return void response.writeHead(200, { 'content-length': content.length }).end(content);
    }
    const [from, to] = [Number(range[1]), Math.min(Number(range[2] || 'Infinity') + 1, content.length)];
    if (from >= content.length) return void response.writeHead(416).end();
    sent.push(`${name} ${from}-${to}`);
    response.writeHead(206, {
      'content-length': to - from,
      'content-range': `bytes ${from}-${to - 1}/${content.length}`,
    });
    response.end(content.subarray(from, to));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, files: own, sent };
}
