/**
 * @file The HTTP face: one loop turns the protocol's route table into Fastify routes with token check, rate limit, body
 * limit and validation; then health, events and the status page. No route is written twice; no body is read before
 * its sender has been checked. No CORS: only pages of this server may call it from a browser.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { hashOfDigestField, PARTIAL_UPLOAD, type Route, type RouteName, routes } from '@alice/protocol';
import rateLimit from '@fastify/rate-limit';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { ServerContext } from '../context.js';
import type { BanList } from '../defence/BanList.js';
import { ServerError } from '../errors.js';
import type { Metrics } from '../operations/metrics.js';
import type { Registration } from '../registration/Registration.js';
import type { Member } from '../state/members.js';
import type { StatusCache } from '../status/StatusCache.js';
import { maxSubmissionBytes } from '../submissionBounds.js';
import { tooLarge } from '../uploads/readParts.js';
import { openUploadBody, type Resumption, type UploadBody } from '../uploads/UploadBody.js';
import { limitConnections } from './connectionLimit.js';
import { errorAnswer } from './errorAnswer.js';
import { registerEvents } from './events.js';
import { type Answer, type Call, createHandlers } from './handlers.js';
import { registerInference } from './inference.js';
import { registerOperations } from './operations.js';
import { registerPage } from './page.js';
import { limitRequests, type RequestLimits } from './rateLimits.js';
import { SECURITY_HEADERS } from './securityHeaders.js';
import { sendBytes } from './sendBytes.js';
import { endSlowReaders, type SlowReaders } from './slowReaders.js';
import { checkText } from './storableText.js';
import { createUploadSlots } from './uploadSlots.js';

/** A token, a range and what browsers send: far below this. */
const MAX_HEADER_BYTES = 16_384;

const BYTES = ['application/octet-stream', PARTIAL_UPLOAD];

export interface AppParts {
  readonly context: ServerContext;
  readonly registration: Registration;
  readonly status: StatusCache;
  /** True once the first version is published and state is consistent. */
  readonly isReady: () => Promise<boolean>;
  readonly bans: BanList;
  readonly metrics: Metrics;
}

export async function createApp(parts: AppParts): Promise<FastifyInstance> {
  const { context } = parts;
  const app = Fastify({
    logger: false,
    bodyLimit: context.limits.jsonBytes,
    requestTimeout: context.limits.requestTimeoutMs,
    ...socketOptions(context),
    forceCloseConnections: 'idle',
    trustProxy: context.options.trustProxy ? 'loopback' : false,
    routerOptions: { maxParamLength: 128 },
    ajv: {
      customOptions: {
        coerceTypes: false,
        removeAdditional: false,
        useDefaults: false,
        allowUnionTypes: true,
      },
    },
    clientErrorHandler: (error, socket) => refuseUnreadable(parts, error, socket),
    frameworkErrors: (error, _request, reply) => sendError(parts, reply, error),
  });
  // Left as the stream it is: only the handler knows how much of it is worth reading.
  app.addContentTypeParser(BYTES, (_request, body, done) => done(null, body));
  app.addHook('onSend', async (_request, reply) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS))
      if (!reply.hasHeader(name)) reply.header(name, value);
  });
  app.setErrorHandler((error, _request, reply) => sendError(parts, reply, error));
  app.setNotFoundHandler((_request, reply) =>
    sendError(parts, reply, new ServerError({ code: 'NOT_FOUND' }, 'there is no such route')),
  );
  app.server.on('checkExpectation', refuseExpectation);
  app.server.maxConnections = context.limits.connections;
  limitConnections(app.server, context.limits.connectionsPerIp);
  await app.register(rateLimit, { global: false });
  const limits = limitRequests(app, context.limits);
  refuseFloods(app, limits);
  registerOperations(app, parts);
  if (!context.roles.has('api')) return app; // the others answer only for themselves
  registerRoutes(app, parts, limits);
  registerEvents(app, parts);
  const { staticDir, pageChainWs, inferenceUrl } = context.options;
  if (inferenceUrl !== undefined) await registerInference(app, { url: inferenceUrl });
  await registerPage(app, { staticDir, chainWs: pageChainWs, hasInference: inferenceUrl !== undefined });
  return app;
}

/** Plain HTTP or TLS, with the times after which a slow client is let go. */
function socketOptions({ limits, options: { tls } }: ServerContext) {
  const settings = {
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: Math.min(5_000, limits.headersTimeoutMs),
    maxHeaderSize: MAX_HEADER_BYTES,
    requireHostHeader: false, // Node refuses without a code; `refuseFloods` does it
  };
  if (!tls) return { http: settings };
  return { https: { ...settings, cert: tls.cert, key: tls.key, minVersion: 'TLSv1.2' as const } };
}

/** Asked by balancers and service managers, which must hear the truth however often they ask. */
const PROBES: ReadonlySet<string> = new Set(['/health', '/healthz', '/ready', '/readyz']);

/** Everything else counts for its sender, pages, documents and what is not there included. */
function refuseFloods(app: FastifyInstance, limits: RequestLimits): void {
  app.addHook('onRequest', async (request) => {
    if (request.headers.host === undefined)
      throw new ServerError({ code: 'BAD_REQUEST', field: 'host' }, 'a request names its host');
    if (!PROBES.has(request.routeOptions.url ?? '')) await limits.byAddress(request);
  });
}

function registerRoutes(app: FastifyInstance, parts: AppParts, limits: RequestLimits): void {
  const { context, registration, isReady } = parts;
  const handlers = createHandlers(context, registration, parts);
  const uploads = createUploadSlots(context.limits);
  const readers = endSlowReaders({
    idleMs: context.limits.downloadIdleMs,
    onEnded: () => countRefusal(parts, 'DOWNLOAD_SLOW'),
  });
  app.addHook('onClose', async () => readers.close());
  for (const [name, route] of Object.entries(routes) as [RouteName, Route][]) {
    const members = new WeakMap<FastifyRequest, Member>();
    const isBytes = route.body === 'bytes';
    app.route({
      method: route.method,
      url: route.path,
      bodyLimit: isBytes ? maxSubmissionBytes(context.uploadBounds) : context.limits.jsonBytes,
      schema: {
        ...(route.body && !isBytes ? { body: route.body } : {}),
        ...(route.headers ? { headers: route.headers } : {}),
      },
      onRequest: async (request, reply) => {
        if (name === 'challenge') await limits.registrations(request);
        if (!(await isReady())) throw notReady();
        if (isAnonymous(route, request)) return;
        const member = await registration.memberOf(request.headers.authorization);
        checkRole(route, member);
        members.set(request, member);
        await limits.byMember(request, member);
        if (!isBytes) return;
        checkAnnounced(request);
        uploads.take(reply, { member, ip: request.ip });
      },
      preValidation: async (request) => {
        if (!isBytes && request.body instanceof Readable) throw mediaType('a message', 'application/json');
        // POST without a body is a message without fields.
        if (route.body && !isBytes && request.body === undefined) request.body = {};
        checkText(request.params, '');
        if (!isBytes) checkText(request.body, '');
        if (isBytes && !(request.body instanceof Readable))
          throw mediaType('the bytes', 'application/octet-stream');
      },
      handler: async (request, reply) => {
        const upload = isBytes ? openUpload(context, request, members.get(request)!) : undefined;
        const call = callOf(request, reply, { member: members.get(request), upload });
        const handle = handlers[name] as (call: unknown) => Promise<Answer<RouteName>>;
        const answer = await handle(call).finally(() => upload?.close());
        return send(context, { request, reply, answer, readers });
      },
    });
  }
}

function mediaType(what: string, type: string): ServerError {
  return new ServerError({ code: 'MEDIA_TYPE_UNSUPPORTED' }, `send ${what} as ${type}`);
}

function notReady(): ServerError {
  return new ServerError(
    { code: 'NOT_READY', retryAfterMs: 2_000 },
    'no version has been published yet: the aggregator is starting',
  );
}

function isAnonymous({ access }: Route, { headers }: FastifyRequest): boolean {
  return access === 'public' || (access === 'open' && headers.authorization === undefined);
}

function checkRole({ access }: Route, member: Member): void {
  if (access === 'open' || access === 'member' || access === member.role) return;
  throw new ServerError(
    { code: 'ROLE_FORBIDDEN', role: member.role },
    `this route is for the role "${access}"`,
  );
}

/** A body that says it is too large is not begun. */
function checkAnnounced(request: FastifyRequest): void {
  const limitBytes = request.routeOptions.bodyLimit;
  if ((announcedBytes(request) ?? 0) > limitBytes!) throw tooLarge(limitBytes!);
}

function announcedBytes({ headers }: FastifyRequest): number | undefined {
  const length = headers['content-length'];
  return length === undefined ? undefined : Number(length);
}

function openUpload(
  { intake, brokenUploads: broken, limits }: ServerContext,
  request: FastifyRequest,
  member: Member,
): UploadBody {
  return openUploadBody(
    {
      stream: request.body as Readable,
      bodyBytes: announcedBytes(request),
      limits: { limitBytes: request.routeOptions.bodyLimit!, idleMs: limits.uploadIdleMs },
      resumption: resumptionOf(request, member),
    },
    { intake, broken },
  );
}

const TASK_ID = /^0x[0-9a-f]{32}$/;

/** Of a task's own submission whose bytes are announced; checked headers have the form that the schema says. */
function resumptionOf(
  { headers, params }: FastifyRequest,
  { address, instance }: Member,
): Resumption | undefined {
  const digest = hashOfDigestField(headers['repr-digest']);
  const { taskId, submissionId } = params as { taskId: string; submissionId?: string };
  if (digest === undefined || submissionId !== undefined || !TASK_ID.test(taskId)) return undefined;
  const offset = headers['upload-offset'];
  return {
    name: { taskId, digest },
    device: `${address}/${instance}`,
    offsetBytes: typeof offset === 'string' ? Number(offset) : undefined,
  };
}

function callOf(
  request: FastifyRequest,
  reply: FastifyReply,
  { member, upload }: { member: Member | undefined; upload: UploadBody | undefined },
): Call<RouteName> {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return {
    body: (upload ?? request.body) as never,
    params: request.params as Record<string, string>,
    get member(): Member {
      if (!member) throw new ServerError({ code: 'TOKEN_MISSING' }, 'this route needs an access token');
      return member;
    },
    isMember: member !== undefined,
    signal: gone.signal,
  };
}

interface Sending {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly answer: Answer<RouteName>;
  readonly readers: SlowReaders;
}

function send(context: ServerContext, { request, reply, answer, readers }: Sending): unknown {
  if (answer.kind === 'json')
    return reply
      .code(answer.status ?? 200)
      .headers(answer.headers ?? {})
      .send(answer.value);
  if (answer.kind === 'nothing')
    return reply.code(204).header('retry-after', seconds(answer.retryAfterMs)).send();
  readers.watch(reply.raw);
  return sendBytes(context, { request, reply, answer });
}

function countRefusal({ context, metrics }: AppParts, code: string): void {
  context.refusals.count(code);
  metrics.refused(code);
}

function sendError(parts: AppParts, reply: FastifyReply, error: unknown): void {
  const { context } = parts;
  const limitBytes = reply.request.routeOptions?.bodyLimit ?? context.limits.jsonBytes;
  const { status, body, retryAfterMs } = errorAnswer(error, { log: context.log, limitBytes });
  countRefusal(parts, body.code);
  if (retryAfterMs !== undefined) reply.header('retry-after', seconds(retryAfterMs));
  if (HANGS_UP.has(body.code)) reply.header('connection', 'close');
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  void reply.code(status).send(body);
}

/** After these the connection is of no more use: too much would have to be swallowed, or waited for. */
const HANGS_UP = new Set(['BODY_TOO_LARGE', 'UPLOAD_SLOW', 'MEDIA_TYPE_UNSUPPORTED']);

function seconds(ms: number): string {
  return String(Math.max(1, Math.ceil(ms / 1000)));
}

/** `Expect` with anything but 100-continue never reaches a route either. */
function refuseExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const body = JSON.stringify({
    code: 'BAD_REQUEST',
    message: 'only 100-continue can be expected',
    info: { field: 'expect' },
  });
  response
    .writeHead(417, {
      'content-type': 'application/json',
      'content-length': body.length,
      connection: 'close',
    })
    .end(body);
}

/** Bytes that are not HTTP, or take too long to become a request, never reach a route; answer in the same form and hang up. */
function refuseUnreadable(
  parts: AppParts,
  error: Error & { code?: string },
  socket: IncomingMessage['socket'],
): void {
  if (!socket.writable || socket.destroyed) return;
  const isSlow = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const refusal = isSlow
    ? new ServerError({ code: 'REQUEST_SLOW' }, 'the request did not arrive in time')
    : new ServerError({ code: 'BAD_REQUEST', field: 'request' }, 'this is not an HTTP request');
  const answer = errorAnswer(refusal, { log: parts.context.log, limitBytes: 0 });
  countRefusal(parts, answer.body.code);
  const body = JSON.stringify(answer.body);
  socket.end(
    `HTTP/1.1 ${isSlow ? '408 Request Timeout' : '400 Bad Request'}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
  );
}
