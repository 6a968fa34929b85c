/**
 * @file Sends a real server requests made from its OpenAPI document and spoilt, over sockets, and holds every answer against
 * what must never happen: a fault without a code, an internal error, words that only the program should know, an answer that
 * the document does not describe, or silence.
 */
import type { AddressInfo } from 'node:net';
import { type Random, type Route, routes, seededRandom } from '@alice/protocol';
import type { TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type { ServerCore } from '../../ServerCore.js';
import { TestClient } from '../TestClient.js';
import { createTinyNetwork } from '../tinyNetwork.js';
import { type ApiRequest, createApiRequests, operationsOf } from './apiRequests.js';
import { type RawAnswer, sendRaw } from './rawHttp.js';

export interface FuzzOptions {
  readonly seed: string;
  readonly requests: number;
  readonly untilMs: number;
}

export interface FuzzReport {
  readonly requests: number;
  /** By code of the refusal, or status. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Requests by operation. */
  readonly operations: number;
  /** What must never happen, with the request that makes it happen. */
  readonly findings: readonly string[];
}

const AT_ONCE = 16;
/** Temporary conditions that a server may have, and says. */
const LATER = /^(BUSY|NOT_READY)$/;
/** Stacks, files, SQL: nobody outside has any use for them but an attacker. */
const INNARDS = /\bat .+:\d+:\d+|node_modules|\/dist\/|\/tmp\/|\bSELECT\b|\bINSERT\b|pg_catalog|Error:/;
const LIMITS = {
  requestTimeoutMs: 400, // requests that are cut off end sooner
  headersTimeoutMs: 400,
  perLoopbackPerMinute: 1e9,
  perLoopbackMemberPerMinute: 1e9,
  registrationsPerLoopbackPerMinute: 1e9,
};

export async function fuzzApi({ seed, requests, untilMs }: FuzzOptions): Promise<FuzzReport> {
  const network = await createTinyNetwork({ limits: LIMITS });
  const core = await network.open({ regions: [network.otherMiner.address] });
  try {
    await core.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = core.app.server.address() as AddressInfo;
    const clients = {
      miner: await new TestClient(core, network.miner).register(),
      scorer: await new TestClient(core, network.scorer, 'scorer').register(),
    };
    const next = createApiRequests(operationsOf((await core.app.inject('/openapi.json')).json()), {
      known: await knownWords(core, clients.miner),
      tokenOf: (role) => (role === 'miner' ? clients.miner : clients.scorer).token,
    });
    const random = seededRandom(`fuzz/api/${seed}`);
    const renew = async (): Promise<void> => {
      await clients.miner.register(); // one of the requests may have ended a token
      await clients.scorer.register();
    };
    return await hunt({ port, next, random, renew }, { requests, untilMs });
  } finally {
    await core.close();
    network.remove();
  }
}

async function knownWords(core: ServerCore, miner: TestClient): Promise<string[]> {
  const { taskId } = await miner.contribute('known');
  const [version] = await core.context.db.query<{ hash: string }>(
    `SELECT snapshot -> 'chunks' -> 0 ->> 'hash' AS hash FROM versions`,
  );
  const [row] = await core.context.db.query<{ id: string }>('SELECT submission_id AS id FROM submissions');
  return ['0', '1', 'x', version!.hash, row!.id, taskId, miner.key.address, '..', '999999999'];
}

interface Hunting {
  readonly port: number;
  readonly random: Random;
  next(random: Random): ApiRequest;
  renew(): Promise<void>;
}

const RENEW_EVERY = 200;

async function hunt(
  { port, next, random, renew }: Hunting,
  { requests, untilMs }: Pick<FuzzOptions, 'requests' | 'untilMs'>,
): Promise<FuzzReport> {
  const outcomes: Record<string, number> = {};
  const tried = new Set<string>();
  const findings: string[] = [];
  let sent = 0;
  const worker = async (): Promise<void> => {
    while (sent < requests && findings.length === 0 && Date.now() < untilMs) {
      if (sent++ % RENEW_EVERY === 0) await renew();
      const request = next(random);
      tried.add(`${request.operation.method} ${request.operation.path}`);
      const answer = await sendRaw(port, request.bytes);
      const { outcome, wrong } = judge(request, answer);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      if (wrong) findings.push(`${wrong}: ${JSON.stringify(request.bytes.toString('latin1').slice(0, 600))}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { requests: sent, outcomes, operations: tried.size, findings };
}

const answers = new Map(
  Object.values(routes as Record<string, Route>).map(({ method, path, answer }) => [
    `${method} ${path.replace(/:(\w+)/g, '{$1}')}`,
    answer,
  ]),
);

function judge(
  { operation, isAsDescribed }: ApiRequest,
  answer: RawAnswer | undefined | 'silent',
): { outcome: string; wrong?: string | undefined } {
  if (answer === 'silent') return { outcome: 'silent', wrong: 'neither an answer nor an end' };
  if (answer === undefined) return { outcome: 'hung up', wrong: isAsDescribed ? 'hung up' : undefined };
  const { status, body } = answer;
  const leaked = status >= 400 ? INNARDS.exec(body)?.[0] : undefined;
  if (leaked) return { outcome: 'leak', wrong: `tells "${leaked}"` };
  if (status < 400) {
    const schema = answers.get(`${operation.method} ${operation.path}`);
    const isWrong = isAsDescribed && status !== 204 && schema && schema !== 'bytes' && !fits(schema, body);
    return {
      outcome: String(status),
      wrong: isWrong ? `answers what it does not describe: ${body.slice(0, 200)}` : undefined,
    };
  }
  const code = codeOf(body);
  if (answer.headers['content-length'] === '0' || code === undefined)
    return { outcome: `HTTP ${status}`, wrong: isBodyless(answer) ? undefined : `${status} without a code` };
  const isFault = status >= 500 && !LATER.test(code);
  return { outcome: code, wrong: isFault ? `${status} ${code}` : undefined };
}

/** To HEAD, whose answers have none; what follows is the next answer already. */
const isBodyless = ({ body, headers }: RawAnswer): boolean =>
  (body === '' || body.startsWith('HTTP/1.1 ')) && Number(headers['content-length'] ?? 0) > 0;

function codeOf(body: string): string | undefined {
  try {
    const { code, message } = JSON.parse(body) as { code?: unknown; message?: unknown };
    return typeof code === 'string' && /^[A-Z0-9_]+$/.test(code) && typeof message === 'string'
      ? code
      : undefined;
  } catch {
    return undefined;
  }
}

function fits(schema: TSchema, body: string): boolean {
  try {
    return Value.Check(schema, JSON.parse(body));
  } catch {
    return false;
  }
}
