/** @file The API document: every route is in it, and nothing that it or anybody can say makes the server fail. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Route, routes } from '@alice/protocol';
import type { TSchema } from '@sinclair/typebox';
import fc from 'fast-check';
import type { ServerCore } from '../ServerCore.js';
import { arbitraryOf } from '../testing/arbitraryOf.js';
import { TestClient } from '../testing/TestClient.js';
import { createTinyNetwork, type TinyNetwork } from '../testing/tinyNetwork.js';

interface Document {
  readonly openapi: string;
  readonly paths: Record<
    string,
    Record<string, { requestBody?: { content: Record<string, { schema: TSchema }> } }>
  >;
}

describe('the API document', () => {
  let network: TinyNetwork;
  let core: ServerCore;
  let document: Document;

  before(async () => {
    network = await createTinyNetwork();
    core = await network.open();
    document = (await core.app.inject('/openapi.json')).json();
  });
  after(async () => {
    await core.close();
    network.remove();
  });

  it('has every route that the server answers, and no other', () => {
    const served = new Set<string>();
    let path: string[] = [];
    for (const line of core.app.printRoutes({ commonPrefix: false }).split('\n')) {
      const match = /^([│ ]*)[├└]── (\S*) ?(?:\(([A-Z, ]+)\))?$/.exec(line);
      if (!match) continue;
      path = [...path.slice(0, match[1]!.length / 4), match[2]!];
      for (const method of match[3]?.split(', ') ?? [])
        if (!['HEAD', 'OPTIONS'].includes(method)) served.add(`${method} ${path.join('')}`);
    }
    const described = new Set(
      Object.entries(document.paths).flatMap(([url, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${url.replace(/\{(\w+)\}/g, ':$1')}`),
      ),
    );
    served.delete('GET /'); // the page, for people
    assert.ok(served.has('PUT /v1/tasks/:taskId/submission'));
    assert.deepEqual([...described].sort(), [...served].sort());
  });

  it('describes the schemas that validate', () => {
    const described =
      document.paths['/v1/register/challenge']!['post']!.requestBody!.content['application/json'];
    assert.deepEqual(described!.schema, JSON.parse(JSON.stringify(routes.challenge.body)));
    assert.equal(document.openapi, '3.1.0');
  });

  it('never fails with a 500, whatever is sent', async () => {
    const tokens: Record<string, string> = {
      miner: (await new TestClient(core, network.miner).register()).token,
      scorer: (await new TestClient(core, network.scorer, 'scorer').register()).token,
    };
    tokens['member'] = tokens['scorer']!;
    const [known] = await core.context.db.query<{ hash: string }>(
      `SELECT snapshot -> 'chunks' -> 0 ->> 'hash' AS hash FROM versions`,
    );
    const part = fc.oneof(
      fc.string({ minLength: 1, maxLength: 140 }),
      fc.stringMatching(/^0x[0-9a-f]{32}$/),
      fc.constantFrom('0', '-1', '1e9', '999999999', '0x', known!.hash, '..', '%00', 'x'.repeat(127)),
    );
    const headers = fc.constantFrom({}, { range: 'bytes=0-0' }, { range: 'bytes=9-1' }, { range: 'bytes=-' });
    const failures: string[] = [];
    for (const [name, route] of Object.entries(routes) as [string, Route][]) {
      const body = route.body === undefined ? fc.constant(undefined) : bodyOf(route.body);
      await fc.assert(
        fc.asyncProperty(
          fc.array(part, { minLength: 3, maxLength: 3 }),
          body,
          headers,
          async (words, payload, more) => {
            const left = [...words];
            const isBytes = payload instanceof Uint8Array;
            const answer = await core.app.inject({
              method: route.method,
              url: route.path.replace(/:\w+/g, () => encodeURIComponent(left.pop()!)),
              headers: {
                ...more,
                ...(route.access === 'public' ? {} : { authorization: `Bearer ${tokens[route.access]}` }),
                'content-type': isBytes ? 'application/octet-stream' : 'application/json',
              },
              ...(payload === undefined
                ? {}
                : { payload: isBytes ? Buffer.from(payload) : JSON.stringify(payload) }),
            });
            if (answer.statusCode >= 500) failures.push(`${name} ${answer.statusCode} ${answer.body}`);
            else if (answer.statusCode >= 400) assert.match(answer.json().code, /^[A-Z0-9_]+$/, name);
          },
        ),
        { numRuns: 40 },
      );
    }
    assert.deepEqual(failures.filter((line) => !line.includes('"BUSY"')).slice(0, 3), []);
  });
});

function bodyOf(schema: TSchema | 'bytes'): fc.Arbitrary<unknown> {
  if (schema === 'bytes') return fc.uint8Array({ maxLength: 300 });
  const described = arbitraryOf(schema);
  return fc.oneof(
    { weight: 4, arbitrary: described.map(noWaiting) },
    { weight: 1, arbitrary: fc.jsonValue() },
    {
      weight: 1,
      arbitrary: fc.tuple(described, fc.jsonValue()).map(([a, b]) => Object.assign({ extra: b }, a)),
    },
  );
}

/** A long poll would wait as long as it is told. */
function noWaiting(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'waitMs' in value ? { ...value, waitMs: 0 } : value;
}
