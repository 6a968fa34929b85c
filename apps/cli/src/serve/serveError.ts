/**
 * @file What the inference endpoint refuses, and how a refusal looks to OpenAI's clients: `{"error": {message, type,
 * param, code}}` with the status they act on (429 and 5xx are tried again, 4xx are not).
 */
import { CodedError, errorCodeOf, isCodedError, messageOf } from '@alice/protocol';

export type ServeErrorInfo =
  | { code: 'invalid_request'; param: string | null }
  | { code: 'unsupported_parameter'; param: string } // a known parameter whose value this endpoint cannot honour
  | { code: 'context_length_exceeded'; param: 'prompt'; promptTokens: number; context: number }
  | { code: 'model_not_found'; param: 'model' }
  | { code: 'invalid_api_key'; param: null }
  | { code: 'not_found'; param: null }
  | { code: 'method_not_allowed'; param: null; allow: string }
  | { code: 'request_too_large'; param: null; limitBytes: number }
  | { code: 'rate_limit_exceeded'; param: null; retryAfterSeconds: number } // the queue is full
  | { code: 'model_unavailable'; param: null }; // the network the weights come from does not answer

export class ServeError extends CodedError<ServeErrorInfo> {
  override name = 'ServeError';
}

/** A field that is missing or wrong; `param` names it. */
export const invalid = (param: string | null, message: string): ServeError =>
  new ServeError({ code: 'invalid_request', param }, message);

const STATUS: Readonly<Record<ServeErrorInfo['code'], number>> = {
  invalid_request: 400,
  unsupported_parameter: 400,
  context_length_exceeded: 400,
  model_not_found: 404,
  invalid_api_key: 401,
  not_found: 404,
  method_not_allowed: 405,
  request_too_large: 413,
  rate_limit_exceeded: 429,
  model_unavailable: 503,
};

export interface OpenAiError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: {
    readonly error: { message: string; type: string; param: string | null; code: string };
  };
}

/** The answer to a failed request. Faults of the program are told without their details; the log has them. */
export function openAiError(error: unknown): OpenAiError {
  const info = isCodedError(error) ? (error.info as ServeErrorInfo) : undefined;
  const status = info && Object.hasOwn(STATUS, info.code) ? STATUS[info.code] : undefined;
  if (!info || status === undefined)
    return {
      ...{ status: 500, headers: {} },
      body: {
        error: {
          message: `the text could not be made (${errorCodeOf(error) ?? 'INTERNAL'}); try again`,
          ...{ type: 'server_error', param: null, code: errorCodeOf(error) ?? 'internal_error' },
        },
      },
    };
  const type = status === 429 ? 'rate_limit_error' : status >= 500 ? 'server_error' : 'invalid_request_error';
  const { code, param } = info;
  return {
    status,
    headers: headersOf(info),
    body: { error: { message: messageOf(error), type, param, code } },
  };
}

function headersOf(info: ServeErrorInfo): Record<string, string> {
  if (info.code === 'rate_limit_exceeded') return { 'retry-after': String(info.retryAfterSeconds) };
  if (info.code === 'method_not_allowed') return { allow: info.allow };
  if (info.code === 'invalid_api_key') return { 'www-authenticate': 'Bearer' };
  return info.code === 'model_unavailable' ? { 'retry-after': '5' } : {};
}
