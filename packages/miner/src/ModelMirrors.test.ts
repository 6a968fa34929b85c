/** @file Pieces of the model from several places: resumed from one in the next, and none believed without its hash. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it, type TestContext } from 'node:test';
import { seededRandom, sha256Hex } from '@alice/protocol';
import { type AskServer, ModelMirrors } from './ModelMirrors.js';
import { fileServer } from './testing/fileServer.js';

const random = seededRandom('weights');
const bytes = Uint8Array.from({ length: 200_000 }, () => random.below(256));
const hash = sha256Hex(bytes);
const name = hash.slice(2);
const inFolder = `${name.slice(0, 2)}/${name}`;
const hashOf = sha256Hex;

/** A parameter server that notes from which byte on it was asked. */
function server(): { ask: AskServer; asked: number[] } {
  const asked: number[] = [];
  return {
    asked,
    ask: async (_piece, fromByte = 0) => {
      asked.push(fromByte);
      return bytes.slice(fromByte);
    },
  };
}

function wanted(): {
  piece: { hash: string; maxBytes: number; onReceived(n: number): void };
  heard: number[];
} {
  const heard: number[] = [];
  return { heard, piece: { hash, maxBytes: 300_000, onReceived: (n) => heard.push(n) } };
}

const same = (actual: Uint8Array): void => assert.ok(Buffer.from(actual).equals(bytes));

/** Sends so much of whatever is asked, with the length of all of it, and hangs up. */
async function breakingServer(t: TestContext, sends: Uint8Array, { status = 200 } = {}): Promise<string> {
  const broken = createServer((_request, response) => {
    response.writeHead(status, { 'content-length': bytes.length });
    response.write(sends, () => response.destroy());
  });
  await new Promise<void>((resolve) => broken.listen(0, '127.0.0.1', resolve));
  t.after(() => broken.close());
  return `http://127.0.0.1:${(broken.address() as AddressInfo).port}`;
}

it('reads a copy of the folder and one of the bucket, and leaves the parameter server alone', async (t) => {
  for (const path of [inFolder, name]) {
    const mirror = await fileServer(t, new Map([[path, bytes]]));
    const mirrors = new ModelMirrors([`${mirror.url}/`], { hashOf });
    const { ask, asked } = server();
    const { piece, heard } = wanted();
    same(await mirrors.piece(piece, ask));
    same(await mirrors.piece(piece, ask));
    assert.deepEqual([asked, heard.at(-1), mirror.sent.length], [[], bytes.length, 2]);
  }
});

it('goes on in the next place where one broke, and at last with the parameter server', async (t) => {
  const half = bytes.subarray(0, 100_000);
  const other = await fileServer(t, new Map([[name, bytes]]));
  const { ask, asked } = server();
  const urls = [await breakingServer(t, half), other.url];
  same(await new ModelMirrors(urls, { hashOf }).piece(wanted().piece, ask));
  const [, from] = /^\S+ (\d+)-200000$/.exec(other.sent.join()) ?? [];
  assert.ok(Number(from) > 0 && Number(from) <= half.length, String(other.sent));
  assert.deepEqual(asked, []);
  const plain = await fileServer(t, new Map([[inFolder, bytes]]), { hasRanges: false });
  same(await new ModelMirrors([urls[0]!, plain.url], { hashOf }).piece(wanted().piece, ask));
  assert.deepEqual([asked, plain.sent], [[], [`${inFolder} all`]], 'what came before is forgotten');
  same(await new ModelMirrors([urls[0]!], { hashOf }).piece(wanted().piece, ask));
  assert.ok(asked.length === 1 && asked[0]! > 0 && asked[0]! <= half.length, String(asked));
});

it('asks the parameter server for all of it after a lie, and the liar not again so soon', async (t) => {
  const forged = bytes.map((byte, i) => (i === 5 ? byte ^ 1 : byte));
  const tooLong = new Uint8Array(400_000);
  for (const [lie, breaks] of [
    [forged, false],
    [tooLong, false],
    [bytes.subarray(0, 10), false],
    [forged.subarray(0, 1000), true],
  ] as const) {
    const liar = breaks
      ? { url: await breakingServer(t, lie), sent: [] }
      : await fileServer(t, new Map([[inFolder, lie]]));
    let nowMs = 1;
    const mirrors = new ModelMirrors([liar.url], { hashOf, nowMs: () => nowMs });
    const { ask, asked } = server();
    same(await mirrors.piece(wanted().piece, ask));
    assert.equal(asked.at(-1), 0);
    const before = liar.sent.length;
    same(await mirrors.piece(wanted().piece, ask));
    assert.equal(liar.sent.length, before, 'not asked again so soon');
    nowMs += 1e6;
    same(await mirrors.piece(wanted().piece, ask));
    if (!breaks) assert.ok(liar.sent.length > before, 'asked again later');
  }
});

it('does not hold against a mirror that it lags behind', async (t) => {
  const mirror = await fileServer(t, new Map());
  const mirrors = new ModelMirrors([mirror.url], { hashOf });
  const { ask, asked } = server();
  same(await mirrors.piece(wanted().piece, ask));
  mirror.files.set(inFolder, bytes);
  same(await mirrors.piece(wanted().piece, ask));
  assert.deepEqual(asked, [0]);
});

it('passes over a mirror that is silent, and refuses one that is read in the clear from elsewhere', async (t) => {
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    silent.closeAllConnections();
    silent.close();
  });
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const { ask, asked } = server();
  same(await new ModelMirrors([url], { hashOf, idleMs: 50 }).piece(wanted().piece, ask));
  assert.deepEqual(asked, [0]);
  assert.throws(() => new ModelMirrors(['http://mirror.example'], { hashOf }), { code: 'TLS_REQUIRED' });
});
