/**
 * @file The API document (OpenAPI 3.1, whose schemas are JSON Schema) made from the route table itself: the very schemas
 * that validate requests and that the client checks answers with. Nothing is described twice.
 */
import { contentTypeOf, ErrorSchema, type Route, routes } from '@alice/protocol';
import type { ServerLimits } from '../options.js';

type Json = Record<string, unknown>;

/** Paths that are not messages of the protocol: for people, browsers and monitoring. */
export const PLAIN_PATHS: Readonly<Record<string, string>> = {
  '/health': 'Whether the process lives.',
  '/ready': 'Whether this node can serve: 200, or 503 while it starts, drains or has no database.',
  '/healthz': 'The same as /health.',
  '/readyz': 'The same as /ready.',
  '/metrics': 'Figures for Prometheus; from this machine, or with the metrics token.',
  '/openapi.json': 'This document.',
  '/v1/events': 'Server-sent events named "status": the message of /v1/status, now and after changes.',
};

export function openapiDocument({ limits, version }: { limits: ServerLimits; version: string }): Json {
  const paths: Record<string, Json> = {};
  for (const [name, route] of Object.entries(routes) as [string, Route][]) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(name, route, limits) };
  }
  for (const [path, summary] of Object.entries(PLAIN_PATHS))
    paths[path] = { get: { summary, responses: { 200: { description: 'as said' } } } };
  return {
    openapi: '3.1.0',
    info: { title: 'Alice parameter server', version },
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { Error: plain(ErrorSchema) },
    },
  };
}

/** Answer when something is stored for good that is judged later. */
const STORED: ReadonlySet<string> = new Set(['submit', 'resume']);

function operation(name: string, route: Route, limits: ServerLimits): Json {
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, param]) => ({
    name: param,
    in: 'path',
    required: true,
    schema: { type: 'string', maxLength: 128 },
  }));
  const params = [...inPath, ...headerParameters(route)];
  return {
    operationId: name,
    ...(params.length > 0 ? { parameters: params } : {}),
    ...security(route),
    ...(route.body
      ? { requestBody: { required: true, content: content(route.body, contentTypeOf(route)) } }
      : {}),
    ...(route.body && route.body !== 'bytes' ? { 'x-max-bytes': limits.jsonBytes } : {}),
    responses: {
      [STORED.has(name) ? 202 : 200]: { description: 'done', content: content(route.answer) },
      ...(name === 'task' || name === 'job' ? { 204: { description: 'nothing now; see Retry-After' } } : {}),
      default: {
        description: 'refused, with a code',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    },
  };
}

function security({ access }: Route): Json {
  if (access === 'public') return {};
  if (access === 'open') return { security: [{}, { token: [] }] }; // with a token or without
  return { security: [{ token: [] }], 'x-role': access };
}

/** Headers of the request, one by one as the document wants them. */
function headerParameters({ headers }: Route): Json[] {
  const { properties, required = [] } = plain(headers ?? {}) as { properties?: Json; required?: string[] };
  return Object.entries(properties ?? {}).map(([name, schema]) => ({
    name,
    in: 'header',
    required: required.includes(name),
    schema,
  }));
}

function content(schema: Route['answer'], bytesType = 'application/octet-stream'): Json {
  if (schema === 'bytes') return { [bytesType]: { schema: { type: 'string', format: 'binary' } } };
  return { 'application/json': { schema: plain(schema) } };
}

/** Without TypeBox's symbols. */
const plain = (schema: unknown): Json => JSON.parse(JSON.stringify(schema)) as Json;
