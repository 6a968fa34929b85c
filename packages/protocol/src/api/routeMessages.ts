/** @file From a route and its values to a path, and from an answer's bytes to a checked message. */
import type { TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { utf8 } from '../bytes.js';
import { type ExchangeAnswer, invalidAnswer } from './clientExchange.js';
import type { AnswerOf } from './clientTypes.js';
import { type Route, type RouteName, routes } from './routes.js';

/** The message of a successful answer. Throws `SERVER_ANSWER_INVALID` when it is not what the route table says. */
export function parseAnswer<N extends RouteName>(
  name: N,
  { status, bytes, retryAfterMs }: ExchangeAnswer,
): AnswerOf<N> {
  const isOffer = name === 'task' || name === 'job';
  if (isOffer && status === 204) return { offer: undefined, retryAfterMs: retryAfterMs ?? 0 } as AnswerOf<N>;
  const { answer: schema } = routes[name] as Route;
  const answer = schema === 'bytes' ? bytes : parseJson(name, schema, bytes);
  return (isOffer ? { offer: answer, retryAfterMs: 0 } : answer) as AnswerOf<N>;
}

function parseJson(name: RouteName, schema: TSchema, bytes: Uint8Array): unknown {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(bytes));
  } catch {
    throw invalidAnswer(name, '', 'not JSON');
  }
  if (Value.Check(schema, value)) return value;
  const first = Value.Errors(schema, value).First();
  throw invalidAnswer(name, first?.path ?? '', first?.message ?? 'not as described');
}

/** A route's path with its `:names` filled in. */
export function fillPath(name: RouteName, params: Readonly<Record<string, string | number>>): string {
  return routes[name].path.replace(/:(\w+)/g, (_, key: string) => {
    const value = params[key];
    if (value === undefined) throw new Error(`cannot happen: "${name}" is always called with its "${key}"`);
    return encodeURIComponent(String(value));
  });
}
