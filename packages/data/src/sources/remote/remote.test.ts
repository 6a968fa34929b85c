import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it, type TestContext } from 'node:test';
import { DataError } from '../../errors.js';
import { fetchWithRetries, type WebAccess } from './fetchWithRetries.js';
import { listHub, parseHubAddress } from './listHub.js';
import { linksBelow } from './listWebFolder.js';
import { remoteBytes } from './remoteBytes.js';

async function serve(
  t: TestContext,
  answer: (response: ServerResponse, number: number, range: string | undefined) => void,
): Promise<string> {
  let number = 0;
  const server = createServer((request, response) => answer(response, ++number, request.headers.range));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/f`;
}

function waiting(): WebAccess & { waits: number[] } {
  const waits: number[] = [];
  return { waits, random: () => 0.5, wait: async (ms) => void waits.push(ms) };
}

it('waits longer and longer between tries, at least as long as it is told, and gives up at last', async (t) => {
  const url = await serve(t, (response, n) =>
    response.writeHead(n === 2 ? 429 : 503, n === 2 ? { 'retry-after': '7' } : {}).end(),
  );
  const access = waiting();
  await assert.rejects(fetchWithRetries(url, access), {
    info: { code: 'SOURCE_UNREACHABLE', path: url, reason: 'status 503, 7 times' },
  });
  assert.deepEqual(access.waits, [375, 7000, 1500, 3000, 6000, 12_000]);
});

it('does not try again what cannot succeed, and speaks plainly to other machines only over TLS', async (t) => {
  for (const [status, code] of [
    [401, 'SOURCE_FORBIDDEN'],
    [403, 'SOURCE_FORBIDDEN'],
    [404, 'SOURCE_MISSING'],
    [400, 'SOURCE_UNREACHABLE'],
  ] as const) {
    const url = await serve(t, (response) => response.writeHead(status).end());
    const access = { ...waiting(), token: 'hf_secret', tokenOrigin: new URL(url).origin };
    await assert.rejects(
      fetchWithRetries(url, access),
      (error: DataError) => error.code === code && !error.message.includes('hf_secret'),
    );
    assert.deepEqual(access.waits, []);
  }
  await assert.rejects(fetchWithRetries('http://example.org/x', waiting()), { code: 'SOURCE_INSECURE' });
});

async function collect(url: string, tag = ''): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of remoteBytes({ url, from: 0, tag }, waiting())) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

const TEXT = 'It is not down in any map; true places never are.';

it('joins what several broken connections bring, with and without ranges', async (t) => {
  for (const hasRanges of [true, false]) {
    const url = await serve(t, (response, n, range) => {
      const from = hasRanges ? Number(/\d+/.exec(range ?? '0')?.[0]) : 0;
      response.writeHead(from > 0 ? 206 : 200, { etag: '"a"', 'content-length': TEXT.length - from });
      if (n < 4) response.write(TEXT.slice(from, 10 * n), () => response.destroy());
      else response.end(TEXT.slice(from));
    });
    assert.equal(await collect(url), TEXT);
  }
});

it('never joins two contents: a file that changed on the way, or since it was listed, is refused', async (t) => {
  const url = await serve(t, (response, n, range) => {
    const from = Number(/\d+/.exec(range ?? '0')?.[0]);
    response.writeHead(from > 0 ? 206 : 200, {
      etag: n < 2 ? '"a"' : '"b"',
      'content-length': TEXT.length - from,
    });
    if (n < 2) response.write(TEXT.slice(0, 9), () => response.destroy());
    else response.end(TEXT.slice(from));
  });
  await assert.rejects(collect(url), { code: 'SOURCE_CHANGED' });
  await assert.rejects(collect(url, '"a"'), { code: 'SOURCE_CHANGED' });
});

it('gives up a server that trickles, and bytes from another place than was asked for', async (t) => {
  const trickling = await serve(t, (response, n) => {
    response.writeHead(200, { etag: '"a"', 'content-length': TEXT.length });
    if (n > 2) return void response.end(TEXT);
    const timer = setInterval(() => response.write(n === 1 ? '' : 'x'), 20);
    response.on('close', () => clearInterval(timer));
    response.flushHeaders();
  });
  const parts: Uint8Array[] = [];
  const access = { ...waiting(), stallMs: 300 };
  for await (const chunk of remoteBytes({ url: trickling, from: 0, tag: '' }, access)) parts.push(chunk);
  assert.equal(Buffer.concat(parts).length, TEXT.length);
  assert.equal(access.waits.length, 2, 'once for nothing at all, once for next to nothing');

  const elsewhere = await serve(t, (response, n) => {
    const from = n === 1 ? 0 : 3;
    response.writeHead(n === 1 ? 200 : 206, {
      'content-length': TEXT.length - from,
      'content-range': `bytes ${from}-${TEXT.length - 1}/${TEXT.length}`,
    });
    if (n === 1) response.write(TEXT.slice(0, 9), () => response.destroy());
    else response.end(TEXT.slice(from));
  });
  await assert.rejects(collect(elsewhere), { code: 'SOURCE_UNREACHABLE' });
});

it('asks again for a list whose connection breaks, and refuses one that is none or never ends', async (t) => {
  const list = async (answer: (response: ServerResponse, number: number) => void): Promise<number> => {
    const url = await serve(t, (response, n) =>
      n === 1 ? response.end(JSON.stringify({ sha: 'c'.repeat(40) })) : answer(response, n),
    );
    const access = { ...waiting(), endpoint: new URL(url).origin };
    return (await listHub('hf:a/b', access)).files.length;
  };
  const entry = { type: 'file', path: 'a.txt', size: 3, oid: 'x' };
  const whole = JSON.stringify([entry, { type: 'directory', path: 'd', oid: 'y' }]);
  const flaky = list((response, n) => {
    response.writeHead(200, { 'content-length': whole.length });
    if (n < 4) response.write(whole.slice(0, 10), () => response.destroy());
    else response.end(whole);
  });
  assert.equal(await flaky, 1);
  for (const body of ['<html>', '{"error":"x"}', '[null]', '[{"type":"file","path":"a.txt","oid":"x"}]'])
    await assert.rejects(
      list((response) => response.end(body)),
      { code: 'SOURCE_UNREACHABLE' },
      body,
    );
  const circle = list((response) =>
    response
      .writeHead(200, { link: `</api/datasets/a/b/tree/${'c'.repeat(40)}?recursive=true>; rel="next"` })
      .end(whole),
  );
  await assert.rejects(circle, { code: 'SOURCE_UNREACHABLE' });
});

it('refuses a redirect to a place that is not secure', async (t) => {
  const url = await serve(t, (response) => response.writeHead(302, { location: 'http://0.0.0.0:1/x' }).end());
  await assert.rejects(fetchWithRetries(url, waiting()), DataError);
  const plain = await serve(t, (response) => response.end('x'));
  const port = new URL(plain).port;
  const toPlain = await serve(t, (response) =>
    // The same machine by a name that stands for any: not one of those that plain http is allowed for.
    response.writeHead(302, { location: `http://0.0.0.0:${port}/x` }).end(),
  );
  await assert.rejects(fetchWithRetries(toPlain, waiting()), { code: 'SOURCE_INSECURE' });
});

it('follows only links to entries of the folder itself', () => {
  const page = [
    'a.txt',
    'sub/',
    './b%20c.txt',
    '../up.txt',
    '/other/x.txt',
    'sub/deep.txt',
    '?C=N',
    'https://e.org/data/y.txt',
    '/data/z.txt',
    'a.txt',
  ]
    .map((href) => `<A class="x" HREF='${href}'>l</A>`)
    .join('');
  assert.deepEqual(
    linksBelow(page, new URL('https://h.org/data/')).map(({ href }) => href.slice('https://h.org'.length)),
    ['/data/a.txt', '/data/sub/', '/data/b%20c.txt', '/data/z.txt'],
  );
});

it('reads hub addresses', () => {
  assert.deepEqual(parseHubAddress('hf:a/b'), { dataset: 'a/b', revision: 'main', path: '' });
  assert.deepEqual(parseHubAddress('hf:a/b-c.d@v1.0/train/chunk1/'), {
    dataset: 'a/b-c.d',
    revision: 'v1.0',
    path: 'train/chunk1',
  });
  assert.throws(() => parseHubAddress('hf:a'), DataError);
});
