/** @file ServerClient against a small HTTP server in this process: retries, tokens, invalid answers, the TLS rule. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { fromHex } from '../bytes.js';
import { sha256Hex } from '../hash.js';
import { initCrypto, keyPairFromSecret, publicKeyOf, verifySignature } from '../keys.js';
import { ServerClient } from './client.js';
import { backoffMs, parseRetryAfter } from './clientBackoff.js';
import { refusalOf, ServerCallError } from './clientErrors.js';
import type { RetryNotice, ServerClientOptions } from './clientTypes.js';
import { registrationMessage } from './registration.js';
import { type Network, PROTOCOL, type Submission } from './schemas.js';
import { checkServerUrl } from './serverUrl.js';

interface Answer {
  readonly status?: number;
  readonly json?: unknown;
  readonly bytes?: Uint8Array;
  readonly headers?: Record<string, string>;
  /** Break the connection instead of answering. */
  readonly broken?: boolean;
}
interface Seen {
  readonly line: string;
  readonly token: string | undefined;
  readonly body: Buffer;
}

const hash = (digit: string): `0x${string}` => `0x${digit.repeat(64)}`;
let script: ((seen: Seen, nth: number) => Answer) | undefined;
let seen: Seen[] = [];
let waits: number[] = [];
let notices: RetryNotice[] = [];
let http: Server;
let url = '';

before(async () => {
  await initCrypto();
  http = createServer((request, response) => {
    void readBody(request).then((body) => {
      const token = request.headers.authorization?.replace('Bearer ', '');
      const entry = { line: `${request.method} ${request.url}`, token, body };
      seen.push(entry);
      const answer = script!(entry, seen.length);
      if (answer.broken) return response.destroy();
      response.writeHead(answer.status ?? 200, answer.headers ?? {});
      return response.end(
        answer.bytes ?? (answer.json === undefined ? undefined : JSON.stringify(answer.json)),
      );
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
});
after(() => {
  http.closeAllConnections();
  http.close();
});
beforeEach(() => {
  seen = [];
  waits = [];
  notices = [];
});

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

const key = () => keyPairFromSecret('//Miner');
const serverId = () => keyPairFromSecret('//Server').address;
const device = { kind: 'cpu', name: 'test', threads: 1, memoryBytes: 1, software: 'test' } as const;
const challengeAnswer = () => ({
  challenge: hash('c'),
  networkId: hash('a'),
  serverId: serverId(),
  expiresAtMs: 2_000_000,
});
const access = (token: string, expiresAtMs = 9_000_000_000) => ({ token: token.repeat(32), expiresAtMs });

function networkAnswer(): Network {
  const model = {
    name: 'nano',
    layers: 1,
    width: 8,
    heads: 1,
    kvHeads: 1,
    ffn: 8,
    context: 8,
    vocab: 300,
    ropeTheta: 1e4,
    normEps: 1e-5,
  };
  return {
    protocol: PROTOCOL,
    networkId: hash('a'),
    serverId: serverId(),
    serverTimeMs: 1_005_000,
    model,
    tokenizer: 'gpt2',
    dataRoot: hash('d'),
    latestVersion: 0,
    latestStateRoot: hash('e'),
  };
}

function submissionAnswer(): Submission {
  return {
    submissionId: 's1',
    taskId: `0x${'1'.repeat(32)}`,
    version: 0,
    status: 'queued',
    code: null,
    reason: '',
    gainNats: null,
    standardErrorNats: null,
    score: '0',
    epoch: null,
    sizeBytes: 3,
    receivedAtMs: 1,
  };
}

/** A client whose waits take no time, whose chance is always ½ and whose clock stands at 1,000,000. */
function client(
  options: Partial<ServerClientOptions> = {},
  anonymous = false,
  nowMs = () => 1_000_000,
): ServerClient {
  const member = anonymous ? undefined : ({ key: key(), instance: 'a', role: 'miner', device } as const);
  return new ServerClient(
    { url, member, backoff: { firstMs: 100, longestMs: 400 }, ...options },
    {
      nowMs,
      random: () => 0.5,
      onRetry: (notice) => notices.push(notice),
      sleep: async (ms) => void waits.push(ms),
    },
  );
}

/** Plays registration; every other request goes to `rest`. Tokens are `t1…`, `t2…` by number of registrations. */
function withRegistration(rest: (entry: Seen, registrations: number) => Answer): (entry: Seen) => Answer {
  let registrations = 0;
  return (entry) => {
    if (entry.line.endsWith('/register/challenge')) return { json: challengeAnswer() };
    if (entry.line.endsWith('/register')) return { json: access(String(++registrations)) };
    return rest(entry, registrations);
  };
}

const codeOf = (code: string) => (error: unknown) =>
  error instanceof ServerCallError && error.info.code === code;

describe('addresses', () => {
  it('allows plain http to this machine only (SPEC REG-3)', () => {
    for (const good of [
      'http://localhost:1',
      'http://127.0.0.1',
      'http://127.9.8.7:5',
      'http://[::1]:3',
      'https://alice.example',
    ])
      assert.equal(checkServerUrl(`${good}/`), good);
    for (const bad of [
      'http://alice.example',
      'http://10.0.0.1:80',
      'http://localhost.evil.example',
      'http://0.0.0.0:1',
      'http://128.0.0.1',
    ])
      assert.throws(() => checkServerUrl(bad), codeOf('TLS_REQUIRED'), bad);
  });

  it('refuses what is no server address, without repeating a password in it', () => {
    for (const bad of ['', 'alice', 'ftp://x', 'file:///etc', 'https://x/?a=1', 'https://x/#y'])
      assert.throws(() => checkServerUrl(bad), codeOf('SERVER_URL_INVALID'), bad);
    assert.throws(
      () => checkServerUrl('https://me:sesame@alice.example'),
      (error: Error) => codeOf('SERVER_URL_INVALID')(error) && !error.message.includes('sesame'),
    );
  });

  it('keeps a path prefix', async () => {
    script = () => ({ json: networkAnswer() });
    await client({ url: `${url}/net/` }).network();
    assert.equal(seen[0]!.line, 'GET /net/v1/network');
  });
});

describe('backoff', () => {
  it('doubles up to its bound, half certain and half chance', () => {
    const waitsOf = (chance: number) =>
      [1, 2, 3, 9].map((n) => backoffMs(n, () => chance, null, { firstMs: 100, longestMs: 350 }));
    assert.deepEqual(waitsOf(0), [50, 100, 175, 175]);
    assert.deepEqual(waitsOf(1), [100, 200, 350, 350]);
  });

  it('never comes back before Retry-After, and caps an absurd one', () => {
    assert.equal(
      backoffMs(1, () => 0, 7_000),
      7_000,
    );
    assert.equal(
      backoffMs(1, () => 1, 8_000),
      10_000,
    );
    assert.equal(
      backoffMs(1, () => 0, 1e12),
      600_000,
    );
  });

  it('reads Retry-After as seconds and as a date', () => {
    assert.equal(parseRetryAfter('3', 0), 3_000);
    assert.equal(parseRetryAfter('0.25', 0), 250);
    assert.equal(parseRetryAfter('Thu, 01 Jan 1970 00:00:10 GMT', 4_000), 6_000);
    assert.equal(parseRetryAfter('Thu, 01 Jan 1970 00:00:10 GMT', 40_000), 0);
    for (const bad of [null, '', 'soon', '-3x']) assert.equal(parseRetryAfter(bad, 0), null, String(bad));
  });
});

describe('retries', () => {
  it('repeats a refusal that says "later" and honours Retry-After', async () => {
    script = (_, nth) =>
      nth === 1
        ? { status: 503, headers: { 'retry-after': '2' } }
        : nth === 2
          ? { status: 429 }
          : { json: networkAnswer() };
    assert.equal((await client().network()).tokenizer, 'gpt2');
    assert.deepEqual(waits, [2_250, 150]);
    assert.deepEqual(
      notices.map(({ code, failures }) => [code, failures]),
      [
        ['HTTP_503', 1],
        ['HTTP_429', 2],
      ],
    );
  });

  it('repeats a broken connection, and gives up with a coded error', async () => {
    script = (_, nth) => (nth < 3 ? { broken: true } : { json: networkAnswer() });
    await client().network();
    assert.equal(seen.length, 3);
    script = () => ({ broken: true });
    await assert.rejects(client({ attempts: 2 }).network(), codeOf('SERVER_UNREACHABLE'));
    assert.equal(seen.length, 5);
  });

  it('gives up on a silent server after the idle time', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    await assert.rejects(
      client({ url: address, idleTimeoutMs: 30, attempts: 1 }).network(),
      (error: unknown) =>
        error instanceof ServerCallError &&
        error.info.code === 'SERVER_UNREACHABLE' &&
        error.info.why === 'timeout',
    );
    silent.closeAllConnections();
    silent.close();
  });

  it('does not repeat a refusal that says "no" and carries the facts of it', async () => {
    const info = { submissionId: 's9', identical: true };
    script = withRegistration(() => ({ status: 409, json: { code: 'NONCE_USED', message: 'used', info } }));
    await assert.rejects(client().submit(`0x${'1'.repeat(32)}`, Uint8Array.of(1)), (error: unknown) => {
      assert(error instanceof ServerCallError && error.info.code === 'SERVER_REFUSED');
      assert.equal(refusalOf(error), 'NONCE_USED');
      assert.deepEqual([error.info.status, error.info.detail], [409, info]);
      return true;
    });
    assert.equal(seen.length, 3);
  });

  it('stops at once when the signal is aborted, with its reason', async () => {
    const stop = new AbortController();
    script = () => {
      stop.abort(new Error('enough'));
      return { status: 503 };
    };
    await assert.rejects(
      client({ attempts: Number.POSITIVE_INFINITY, signal: stop.signal }).network(),
      /enough/,
    );
    assert.equal(seen.length, 1);
  });
});

describe('tokens', () => {
  it('registers by itself with a signature over the registration message, bytes go up unchanged', async () => {
    script = withRegistration(() => ({ status: 202, json: submissionAnswer() }));
    const answer = await client().submit(`0x${'1'.repeat(32)}`, Uint8Array.of(7, 0, 255));
    assert.equal(answer.submissionId, 's1');
    assert.deepEqual(
      seen.map((s) => s.line),
      ['POST /v1/register/challenge', 'POST /v1/register', `PUT /v1/tasks/0x${'1'.repeat(32)}/submission`],
    );
    const { signature } = JSON.parse(seen[1]!.body.toString()) as { signature: string };
    const claim = {
      networkId: hash('a'),
      serverId: serverId(),
      address: key().address,
      instance: 'a',
      role: 'miner',
      challenge: hash('c'),
    };
    assert(verifySignature(registrationMessage(claim), fromHex(signature), publicKeyOf(key().address)));
    assert.equal(seen[2]!.token, '1'.repeat(32));
    assert.deepEqual([...seen[2]!.body], [7, 0, 255]);
  });

  it('registers again when the token is refused, once per call', async () => {
    script = withRegistration((entry) =>
      entry.token === '2'.repeat(32)
        ? { json: submissionAnswer() }
        : { status: 401, json: { code: 'TOKEN_EXPIRED', message: '' } },
    );
    const one = client();
    await one.submission('s1');
    await one.submission('s1');
    assert.equal(seen.filter((s) => s.line === 'POST /v1/register').length, 2);
    assert.equal(seen.at(-1)!.token, '2'.repeat(32));
    script = withRegistration(() => ({ status: 401, json: { code: 'TOKEN_EXPIRED', message: '' } }));
    await assert.rejects(client().submission('s1'), (error: unknown) => refusalOf(error) === 'TOKEN_EXPIRED');
  });

  it('calls at the same time share one registration', async () => {
    script = withRegistration(() => ({ json: submissionAnswer() }));
    const one = client();
    await Promise.all([one.submission('a'), one.submission('b'), one.submission('c')]);
    assert.equal(seen.filter((s) => s.line === 'POST /v1/register').length, 1);
  });

  it('renews a token that is about to end', async () => {
    let renewed = 0;
    script = (entry) => {
      if (entry.line.endsWith('/challenge')) return { json: challengeAnswer() };
      if (entry.line.endsWith('/register')) return { json: access('1', 1_030_000) };
      if (entry.line.endsWith('/refresh')) return { json: access('r', 2_000_000 + renewed++) };
      return { json: submissionAnswer() };
    };
    await client().submission('s');
    assert.deepEqual(
      seen.map((s) => s.line.split('/').at(-1)),
      ['challenge', 'register', 's'],
    );
    const one = client();
    await one.register();
    await one.submission('s');
    assert.equal(renewed, 1);
    assert.equal(seen.at(-1)!.token, 'r'.repeat(32));
  });

  it('renews its token once, not with every call, after this computer was set ahead by hours', async () => {
    let ahead = 0;
    script = (entry) => {
      if (entry.line.endsWith('/challenge')) return { json: challengeAnswer() };
      if (/\/(register|refresh)$/.test(entry.line)) return { json: access('1', 1_005_000 + 3_600_000) };
      if (entry.line.endsWith('/network')) return { json: networkAnswer() };
      return { json: submissionAnswer() };
    };
    const one = client({}, false, () => 1_000_000 + ahead);
    await one.network();
    await one.submission('s');
    ahead = 5 * 3_600_000;
    for (let call = 0; call < 3; call++) await one.submission('s');
    assert.equal(seen.filter((s) => s.line.endsWith('/refresh')).length, 1);
    assert.equal(one.serverNowMs(), 1_005_000);
  });

  it('starts a registration again when its challenge has died', async () => {
    let tries = 0;
    script = (entry) => {
      if (entry.line.endsWith('/challenge')) return { json: challengeAnswer() };
      if (entry.line.endsWith('/register'))
        return ++tries === 1
          ? { status: 403, json: { code: 'CHALLENGE_EXPIRED', message: '' } }
          : { json: access('1') };
      return { json: submissionAnswer() };
    };
    await client().submission('s');
    assert.equal(tries, 2);
  });

  it('a registration that stays refused is thrown after its own tries, not their square', async () => {
    script = () => ({ status: 503 });
    await assert.rejects(
      client({ attempts: 3 }).submission('s'),
      (error: unknown) => refusalOf(error) === 'HTTP_503',
    );
    assert.equal(seen.length, 3);
  });

  it('never signs for another network or server than the one it knows', async () => {
    const one = client({ identity: { networkId: hash('b'), serverId: serverId() } });
    script = withRegistration(() => ({ json: submissionAnswer() }));
    await assert.rejects(one.submission('s'), codeOf('SERVER_IDENTITY_CHANGED'));
    assert.equal(seen.length, 1);
    script = () => ({ json: networkAnswer() });
    await assert.rejects(one.network(), codeOf('SERVER_IDENTITY_CHANGED'));
  });

  it('an anonymous client may read what is public and nothing else', async () => {
    script = () => ({ json: networkAnswer() });
    const one = client({}, true);
    assert.equal((await one.network()).networkId, hash('a'));
    await assert.rejects(one.shards(), codeOf('CLIENT_ANONYMOUS'));
    assert.equal(seen.length, 1);
  });
});

describe('a download that breaks', () => {
  const content = Uint8Array.from({ length: 300_000 }, (_, i) => i % 251);

  /** Answers with `cut` bytes of what was asked for and breaks, then with all of it. */
  async function download(cuts: readonly number[], knowsRanges: boolean): Promise<string[]> {
    const ranges: string[] = [];
    const left = [...cuts];
    const server = createServer((request, response) => {
      const range = /bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1];
      ranges.push(range ?? '');
      const from = knowsRanges ? Number(range ?? 0) : 0;
      const part = content.subarray(from);
      response.writeHead(knowsRanges && range !== undefined ? 206 : 200, { 'content-length': part.length });
      const cut = left.shift();
      if (cut === undefined) response.end(part);
      else response.write(part.subarray(0, cut), () => setTimeout(() => response.destroy(), 20));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const quick = new ServerClient({ url: `http://127.0.0.1:${port}` }, { sleep: async () => undefined });
      const received: number[] = [];
      const onReceived = (bytes: number): void => void received.push(bytes);
      const asked = { params: { submissionId: 'x' }, onReceived };
      assert.deepEqual(await quick.call('receiptBlob', asked), content);
      assert.equal(received.at(-1), content.length, 'told of all that is here');
      const falls = received.filter((bytes, i) => i > 0 && bytes < received[i - 1]!);
      assert.equal(falls.length, knowsRanges ? 0 : cuts.length, 'less only where it starts anew');
    } finally {
      server.closeAllConnections();
      server.close();
    }
    return ranges;
  }

  it('goes on where it broke, as often as it must', async () => {
    const ranges = await download([100_000, 50_000], true);
    assert.deepEqual(ranges, ['', '100000', '150000']);
  });

  it('starts anew where the server knows no ranges', async () => {
    assert.equal((await download([100_000], false)).length, 2);
  });
});

describe('an upload that breaks', () => {
  const bytes = Uint8Array.from({ length: 1_000 }, (_, i) => i);
  const digest = sha256Hex(bytes);
  const stored: Answer = { status: 202, json: submissionAnswer() };
  const lines = () => seen.map(({ line, body }) => `${line} ${body.length}`);
  const serve = (uploads: (entry: Seen) => Answer) => {
    script = withRegistration(uploads);
  };
  const state = (offsetBytes: number, submissionId: string | null = null): Answer => ({
    json: { offsetBytes, digest: offsetBytes > 0 ? digest : null, submissionId },
  });

  it('goes on from where the server is, and does not give up while there is progress', async () => {
    let has = 0;
    serve(({ line }) => {
      if (line.startsWith('GET')) return state(has);
      has += 100;
      return has < bytes.length ? { broken: true } : stored;
    });
    assert.equal((await client({ attempts: 2 }).submit('0x1', bytes)).submissionId, 's1');
    const sizes = lines()
      .filter((line) => line.startsWith('PATCH'))
      .map((line) => Number(line.split(' ').at(-1)));
    assert.deepEqual(sizes, [900, 800, 700, 600, 500, 400, 300, 200, 100]);
    assert.ok(notices.every(({ failures }) => failures === 1));
  });

  it('sends all of it to a server that keeps nothing, or something else, and gives up after its tries', async () => {
    for (const known of [{ status: 404, json: { code: 'NOT_FOUND', message: 'no such route' } }, state(0)]) {
      seen = [];
      serve(({ line }) => (line.startsWith('GET') ? known : { broken: true }));
      await assert.rejects(client({ attempts: 3 }).submit('0x1', bytes), {
        info: { code: 'SERVER_UNREACHABLE', route: 'submit', why: 'network' },
      });
      assert.equal(lines().filter((line) => /^PUT .* 1000$/.test(line)).length, 3);
    }
    seen = [];
    const refusals = [
      'UPLOAD_UNKNOWN',
      'UPLOAD_OFFSET_WRONG',
      'UPLOAD_DIFFERS',
      'WIRE_NOT_CANONICAL',
    ].values();
    for (const code of refusals) {
      serve(({ line }) => {
        if (line.startsWith('GET')) return state(10);
        return line.startsWith('PATCH') ? { status: 409, json: { code, message: 'no' } } : stored;
      });
      await client().submit('0x1', bytes, { mayHaveBegun: true });
    }
    assert.equal(lines().filter((line) => line.startsWith('PUT')).length, 4);
  });

  it('asks first what an earlier process has sent, and sends nothing where all has been stored', async () => {
    serve(({ line }) => (line.includes('upload') ? state(bytes.length, 's1') : stored));
    assert.equal((await client().submit('0x1', bytes, { mayHaveBegun: true })).submissionId, 's1');
    assert.deepEqual(lines().slice(2), ['GET /v1/tasks/0x1/upload 0', 'GET /v1/submissions/s1 0']);
  });
});

describe('answers', () => {
  it('says plainly that a server is of another protocol', async () => {
    script = () => ({ json: { ...networkAnswer(), protocol: PROTOCOL + 1 } });
    await assert.rejects(client().network(), codeOf('PROTOCOL_MISMATCH'));
  });

  it('refuses an answer that is not what the route table says, and names the place', async () => {
    script = () => ({ json: { ...networkAnswer(), latestVersion: -1 } });
    await assert.rejects(
      client().network(),
      (error: unknown) =>
        error instanceof ServerCallError &&
        error.info.code === 'SERVER_ANSWER_INVALID' &&
        error.info.path === '/latestVersion',
    );
    script = () => ({ bytes: new TextEncoder().encode('<html>') });
    await assert.rejects(client().network(), codeOf('SERVER_ANSWER_INVALID'));
    assert.equal(seen.length, 2, 'an invalid answer is not asked for again');
  });

  it('refuses a longer answer than asked for', async () => {
    script = withRegistration(() => ({ bytes: new Uint8Array(100) }));
    assert.equal((await client().blob(hash('1'), { maxAnswerBytes: 100 })).length, 100);
    await assert.rejects(client().blob(hash('1'), { maxAnswerBytes: 99 }), codeOf('SERVER_ANSWER_INVALID'));
  });

  it('gives "nothing now" of a 204 with the time to wait', async () => {
    script = withRegistration((entry) => {
      assert.deepEqual(JSON.parse(entry.body.toString()), { waitMs: 10 });
      return { status: 204, headers: { 'retry-after': '4' } };
    });
    assert.deepEqual(await client().nextTask(10), { offer: undefined, retryAfterMs: 4_000 });
  });

  it('does not follow redirects, which could carry the token elsewhere', async () => {
    script = withRegistration((entry) =>
      entry.line === 'GET /elsewhere'
        ? { json: submissionAnswer() }
        : { status: 302, headers: { location: '/elsewhere' } },
    );
    await assert.rejects(client({ attempts: 1 }).submission('s'), codeOf('SERVER_UNREACHABLE'));
    assert(!seen.some((s) => s.line === 'GET /elsewhere'));
  });

  it('knows the server clock after network()', async () => {
    script = () => ({ json: networkAnswer() });
    const one = client();
    await one.network();
    assert.equal(one.serverNowMs(), 1_005_000);
  });

  it('encodes what goes into a path', async () => {
    script = withRegistration(() => ({ json: submissionAnswer() }));
    await client().submission('../x?y');
    assert.equal(seen.at(-1)!.line, 'GET /v1/submissions/..%2Fx%3Fy');
  });
});
