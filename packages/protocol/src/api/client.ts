/**
 * @file The HTTP client of a parameter server, for miners, scorers, the CLI and browsers. Every call is typed by the
 * route table and every answer is checked against its schema. It registers by itself, again when a token has died, and
 * repeats what is safe to repeat, with jittered backoff that honours Retry-After (SPEC REG-1, REG-3). It does not check
 * the content of bytes against their hash: whoever asked for a hash does.
 */
import { toHex } from '../bytes.js';
import { messageOf } from '../errors.js';
import { initCrypto } from '../keys.js';
import { withSignals } from '../withSignals.js';
import { backoffMs, defaultBackoff, sleep } from './clientBackoff.js';
import { isServerCallError, refusalOf, ServerCallError, type ServerIdentity } from './clientErrors.js';
import { type ExchangeAnswer, exchange, type PartialAnswer } from './clientExchange.js';
import type {
  AnswerOf,
  CallOptions,
  Offered,
  ServerClientOptions,
  ServerClientPorts,
} from './clientTypes.js';
import { registrationMessage } from './registration.js';
import { fillPath, parseAnswer } from './routeMessages.js';
import { type RouteName, routes } from './routes.js';
import {
  type Access,
  type Challenge,
  type Network,
  PROTOCOL,
  type ScoringJob,
  type ScoringResult,
  type ShardList,
  type Submission,
  type Task,
  type VersionManifest,
} from './schemas.js';
import { type SubmissionSending, sendingOf } from './sendSubmission.js';
import { checkServerUrl } from './serverUrl.js';
import type { NetworkStatus } from './status.js';

// The chain's client applies the same rule and imports it from here.
export { checkServerUrl };

/** Refusals that say "later", not "no". */
const RETRY_STATUS: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);
const REGISTRATION: ReadonlySet<RouteName> = new Set(['challenge', 'register']);
/** A token is renewed this long before it ends. */
const RENEW_BEFORE_MS = 60_000;
const MAX_JSON_BYTES = 32 * 1024 * 1024;
const MAX_BYTES_ANSWER = 256 * 1024 * 1024;

export class ServerClient {
  readonly url: string;
  readonly #options: ServerClientOptions;
  readonly #ports: Required<Omit<ServerClientPorts, 'onRetry'>> & Pick<ServerClientPorts, 'onRetry'>;
  #identity: ServerIdentity | undefined;
  #access: Access | undefined;
  #registering: Promise<void> | undefined;
  #clockAheadMs = 0;

  /** Throws `SERVER_URL_INVALID`, `TLS_REQUIRED`. */
  constructor(options: ServerClientOptions, ports: ServerClientPorts = {}) {
    this.url = checkServerUrl(options.url);
    this.#options = options;
    this.#identity = options.identity;
    this.#ports = {
      fetch: (...args) => fetch(...args),
      nowMs: Date.now,
      random: Math.random,
      sleep,
      ...ports,
    };
  }

  /** The network and server this client is bound to; undefined before the first contact. */
  get identity(): ServerIdentity | undefined {
    return this.#identity;
  }

  /** The server's clock as far as the last `network()` told, milliseconds since 1970. */
  serverNowMs(): number {
    return this.#ports.nowMs() + this.#clockAheadMs;
  }

  /**
   * Calls one route, repeating and re-registering as needed. Throws `SERVER_UNREACHABLE` and `SERVER_REFUSED` when the
   * tries are used up or repeating is pointless, `SERVER_ANSWER_INVALID`, `SERVER_IDENTITY_CHANGED`, `CLIENT_ANONYMOUS`,
   * or the reason of an aborted signal.
   */
  async call<N extends RouteName>(name: N, options: CallOptions<N> = {}): Promise<AnswerOf<N>> {
    const partial = routes[name].answer === 'bytes' ? { parts: [], sizeBytes: 0 } : undefined;
    return this.#repeated(name, options.signal, async () => {
      const answer = await this.#authorised(name, options, partial);
      return parseAnswer(name, answer);
    });
  }

  /** Registers now, whether or not there is a token already (SPEC REG-1). */
  async register(): Promise<void> {
    this.#registering ??= this.#repeated('register', this.#options.signal, () =>
      this.#registerOnce(),
    ).finally(() => {
      this.#registering = undefined;
    });
    await this.#registering;
  }

  async network(signal?: AbortSignal): Promise<Network> {
    const network = await this.call('network', { signal }).catch((error) => {
      throw otherProtocol(error, this.url) ?? error;
    });
    this.#pin(network);
    this.#clockAheadMs = network.serverTimeMs - this.#ports.nowMs();
    return network;
  }
  status(signal?: AbortSignal): Promise<NetworkStatus> {
    return this.call('status', { signal });
  }
  latestVersion(signal?: AbortSignal): Promise<VersionManifest> {
    return this.call('latestVersion', { signal });
  }
  version(version: number, signal?: AbortSignal): Promise<VersionManifest> {
    return this.call('version', { params: { version }, signal });
  }
  blob(
    hash: string,
    options: Pick<CallOptions<'blob'>, 'maxAnswerBytes' | 'range' | 'signal' | 'onReceived'> = {},
  ): Promise<Uint8Array> {
    return this.call('blob', { params: { hash }, ...options });
  }
  shards(signal?: AbortSignal): Promise<ShardList> {
    return this.call('shards', { signal });
  }
  shard(
    shard: number,
    options: Pick<CallOptions<'shard'>, 'maxAnswerBytes' | 'range' | 'signal' | 'onReceived'> = {},
  ): Promise<Uint8Array> {
    return this.call('shard', { params: { shard }, ...options });
  }
  /** Hashes of the blocks of a shard. */
  shardBlocks(shard: number, options: { maxAnswerBytes?: number } = {}): Promise<Uint8Array> {
    return this.call('shardBlocks', { params: { shard }, ...options });
  }
  /** Waits up to `waitMs` for a task. */
  nextTask(waitMs: number, signal?: AbortSignal): Promise<Offered<Task>> {
    return this.call('task', { body: { waitMs }, waitMs, signal });
  }
  /** Sends a submission; where the connection broke, only the rest. `mayHaveBegun`: also where it broke before this call. */
  async submit(
    taskId: string,
    bytes: Uint8Array,
    { mayHaveBegun = false, signal }: { mayHaveBegun?: boolean; signal?: AbortSignal } = {},
  ): Promise<Submission> {
    const once: SubmissionSending['once'] = async (name, options) =>
      parseAnswer(name, await this.#authorised(name, { ...options, signal }));
    const attempt = await sendingOf({ taskId, bytes, mayHaveBegun, once });
    return this.#repeated('submit', signal, attempt);
  }
  submission(submissionId: string, signal?: AbortSignal): Promise<Submission> {
    return this.call('submission', { params: { submissionId }, signal });
  }
  /** Waits up to `waitMs` for a scoring job. */
  nextJob(waitMs: number, signal?: AbortSignal): Promise<Offered<ScoringJob>> {
    return this.call('job', { body: { waitMs }, waitMs, signal });
  }
  batch(batchId: string, signal?: AbortSignal): Promise<Uint8Array> {
    return this.call('batch', { params: { batchId }, signal });
  }
  heartbeat(jobId: string, signal?: AbortSignal): Promise<ScoringJob> {
    return this.call('jobHeartbeat', { params: { jobId }, signal });
  }
  postResult(jobId: string, result: ScoringResult, signal?: AbortSignal): Promise<ScoringJob> {
    return this.call('jobResult', { params: { jobId }, body: result, signal });
  }

  /**
   * Runs `attempt` until it succeeds, fails for good, or the tries are used up; those before it called `progressed` count no
   * more.
   */
  async #repeated<T>(
    route: RouteName,
    signal: AbortSignal | undefined,
    attempt: (progressed: () => void) => Promise<T>,
  ): Promise<T> {
    const attempts = this.#options.attempts ?? 6;
    let failures = 0;
    const progressed = (): void => {
      failures = 0;
    };
    for (;;) {
      this.#options.signal?.throwIfAborted();
      signal?.throwIfAborted();
      try {
        return await attempt(progressed);
      } catch (error) {
        failures++;
        if (failures >= attempts || !mayRepeat(route, error)) throw error;
        const { info } = error as ServerCallError;
        const asked = info.code === 'SERVER_REFUSED' ? info.retryAfterMs : null;
        const inMs = Math.round(
          backoffMs(failures, this.#ports.random, asked, this.#options.backoff ?? defaultBackoff),
        );
        const code = refusalOf(error) ?? info.code;
        this.#ports.onRetry?.({ route, code, reason: messageOf(error), inMs, failures });
        await withSignals([this.#options.signal, signal], (either) => this.#ports.sleep(inMs, either));
      }
    }
  }

  /** One exchange with a live token; a token that died in the meantime is replaced once. */
  async #authorised<N extends RouteName>(
    name: N,
    options: CallOptions<N>,
    partial?: PartialAnswer,
  ): Promise<ExchangeAnswer> {
    const { access } = routes[name];
    if (access === 'public' || (access === 'open' && this.#options.member === undefined))
      return this.#exchange(name, options, { partial });
    await this.#ensureAccess(name);
    const used = this.#access;
    try {
      return await this.#exchange(name, options, { token: used?.token, partial });
    } catch (error) {
      if (!isServerCallError(error) || error.info.code !== 'SERVER_REFUSED' || error.info.status !== 401)
        throw error;
      if (this.#access === used) this.#access = undefined;
      await this.#ensureAccess(name);
      return this.#exchange(name, options, { token: this.#access?.token, partial });
    }
  }

  async #ensureAccess(route: RouteName): Promise<void> {
    if (this.#options.member === undefined)
      throw new ServerCallError(
        { code: 'CLIENT_ANONYMOUS', route },
        `"${route}" needs a registered key: give the client one`,
      );
    if (this.#access === undefined) return this.register();
    if (this.#access.expiresAtMs - this.serverNowMs() > RENEW_BEFORE_MS) return;
    const dying = this.#access;
    this.#access = undefined;
    try {
      this.#access = parseAnswer('refresh', await this.#exchange('refresh', {}, dying));
      if (this.#access.expiresAtMs - this.serverNowMs() <= RENEW_BEFORE_MS) await this.#setClock();
    } catch (error) {
      if (!isServerCallError(error)) throw error;
      await this.register(); // the old token was no use any more
    }
  }

  /** A new token that is old already: this computer's clock was set since. Each call would renew it again. */
  async #setClock(): Promise<void> {
    const { serverTimeMs } = parseAnswer('network', await this.#exchange('network', {}));
    this.#clockAheadMs = serverTimeMs - this.#ports.nowMs();
  }

  async #registerOnce(): Promise<void> {
    const { member } = this.#options;
    if (member === undefined)
      throw new ServerCallError(
        { code: 'CLIENT_ANONYMOUS', route: 'register' },
        'this client has no key to register',
      );
    await initCrypto();
    const { key, instance, role, device, rewardAddress } = member;
    const asked = { address: key.address, instance, role, device };
    const challenge = parseAnswer('challenge', await this.#exchange('challenge', { body: asked }));
    this.#pin(challenge);
    const signature = toHex(
      key.sign(registrationMessage({ ...asked, ...challengeFacts(challenge), rewardAddress })),
    );
    const body = {
      challenge: challenge.challenge,
      signature,
      ...(rewardAddress === undefined ? {} : { rewardAddress }),
    };
    this.#access = parseAnswer('register', await this.#exchange('register', { body }));
  }

  #exchange<N extends RouteName>(
    name: N,
    options: CallOptions<N>,
    { token, partial }: { token?: string | undefined; partial?: PartialAnswer | undefined } = {},
  ): Promise<ExchangeAnswer> {
    const request = {
      route: name,
      url: this.url + fillPath(name, options.params ?? {}),
      token,
      partial,
      body: options.body,
      headers: options.headers,
      range: options.range,
      idleTimeoutMs: (this.#options.idleTimeoutMs ?? 20_000) + (options.waitMs ?? 0),
      maxAnswerBytes:
        options.maxAnswerBytes ?? (routes[name].answer === 'bytes' ? MAX_BYTES_ANSWER : MAX_JSON_BYTES),
      onReceived: options.onReceived,
    };
    return withSignals([this.#options.signal, options.signal], (signal) =>
      exchange({ ...request, signal }, this.#ports.fetch, this.#ports.nowMs),
    );
  }

  /** Binds this client to the first network and server it meets; a signature is never made for another. */
  #pin({ networkId, serverId }: ServerIdentity): void {
    const actual = { networkId, serverId };
    const expected = this.#identity ?? actual;
    if (expected.networkId !== networkId || expected.serverId !== serverId)
      throw new ServerCallError(
        { code: 'SERVER_IDENTITY_CHANGED', expected, actual },
        `${this.url} is now another ${expected.networkId === networkId ? 'parameter server' : 'network'} than before; check the address, or start with a new folder`,
      );
    this.#identity = expected;
  }
}

/** Said plainly: that the answer does not fit the schema is only how it shows. */
function otherProtocol(error: unknown, url: string): ServerCallError | undefined {
  if (!isServerCallError(error)) return undefined;
  const { info } = error;
  if (info.code !== 'SERVER_ANSWER_INVALID' || info.path !== '/protocol') return undefined;
  return new ServerCallError(
    { code: 'PROTOCOL_MISMATCH', ours: PROTOCOL },
    `${url} speaks another version of the protocol than this program (${PROTOCOL}): install the release that the network runs`,
    { cause: error },
  );
}

const challengeFacts = ({ challenge, networkId, serverId }: Challenge) => ({
  challenge,
  networkId,
  serverId,
});

function mayRepeat(route: RouteName, error: unknown): boolean {
  if (!isServerCallError(error)) return false;
  const { info } = error;
  if (info.code !== 'SERVER_UNREACHABLE' && info.code !== 'SERVER_REFUSED') return false;
  // A registration inside another call has already been repeated as often as allowed.
  if (REGISTRATION.has(info.route) && !REGISTRATION.has(route)) return false;
  if (info.code === 'SERVER_UNREACHABLE') return true;
  // A lost answer to `register` kills its challenge; the registration then starts again with a new one.
  return (
    RETRY_STATUS.has(info.status) || (info.route === 'register' && info.refusal.startsWith('CHALLENGE_'))
  );
}
