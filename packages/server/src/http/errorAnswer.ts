/**
 * @file From anything thrown to the error body {code, message, info?} and its HTTP status. Faults of the server get an
 * id that is logged with the rest; no stack, path or foreign message leaves the process.
 */
import { randomUUID } from 'node:crypto';
import { type ErrorMessage, isCodedError, type Logger } from '@alice/protocol';
import { httpStatusOf, ServerError } from '../errors.js';

export interface ErrorAnswer {
  readonly status: number;
  readonly body: ErrorMessage;
  readonly retryAfterMs?: number | undefined;
}

interface FastifyFault {
  readonly code?: string;
  readonly statusCode?: number;
  readonly validation?: readonly {
    readonly instancePath: string;
    readonly message?: string;
    readonly params?: unknown;
  }[];
  readonly validationContext?: string;
  readonly message: string;
}

const FASTIFY_CODES: Readonly<Record<string, (limitBytes: number) => ServerError>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: (limitBytes) =>
    new ServerError(
      { code: 'BODY_TOO_LARGE', limitBytes },
      `the body is larger than ${limitBytes} bytes, the most a valid one has`,
    ),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () =>
    new ServerError(
      { code: 'MEDIA_TYPE_UNSUPPORTED' },
      'send messages as application/json and bytes as application/octet-stream',
    ),
};

/** Codes that mean the request is at fault; coded errors of other packages are the server's own fault otherwise. */
const CALLER_CODES = /^(WIRE_|ADDRESS_INVALID|HEX_INVALID)/;

export function errorAnswer(
  error: unknown,
  { log, limitBytes }: { log: Logger; limitBytes: number },
): ErrorAnswer {
  if (error instanceof ServerError) return coded(error);
  if (isCodedError(error) && CALLER_CODES.test(error.code)) return coded(error);
  if (isCodedError(error) && error.code === 'THREAD_ENDED')
    return coded(
      new ServerError(
        { code: 'COMPUTE_STOPPED', retryAfterMs: 1_000 },
        'the server was interrupted: send it again',
      ),
    );
  // The database's and the compute thread's way of saying that it is not the caller's fault, nor for long.
  if (isCodedError(error) && httpStatusOf(error.code) === 503) return coded(error);
  const fault = error as FastifyFault;
  const known = FASTIFY_CODES[fault.code ?? ''];
  if (known) return coded(known(limitBytes));
  if (fault.validation) return coded(badRequest(fault));
  const status = fault.statusCode ?? 500;
  if (status >= 400 && status < 500)
    return coded(new ServerError({ code: 'BAD_REQUEST', field: 'request' }, 'the request could not be read'));
  return internal(error, log);
}

function coded(error: ServerError | { info: { code: string }; message: string }): ErrorAnswer {
  const { code, ...info } = error.info as { code: string; retryAfterMs?: number };
  const body = { code, message: error.message, ...(Object.keys(info).length > 0 ? { info } : {}) };
  return { status: httpStatusOf(code), body, retryAfterMs: info.retryAfterMs };
}

function badRequest({ validation, validationContext }: FastifyFault): ServerError {
  const first = validation?.[0];
  const within = first?.instancePath.slice(1).replaceAll('/', '.');
  const missing = (first?.params as { missingProperty?: string } | undefined)?.missingProperty;
  const field = [within, missing].filter(Boolean).join('.') || validationContext || 'body';
  return new ServerError({ code: 'BAD_REQUEST', field }, `${field}: ${first?.message ?? 'not as described'}`);
}

function internal(error: unknown, log: Logger): ErrorAnswer {
  const errorId = randomUUID();
  const { message, stack } = error instanceof Error ? error : { message: String(error), stack: undefined };
  log.error('Request failed', { errorId, error: message, stack });
  const text = 'the server failed; its operator finds the cause in the log under this id';
  return coded(new ServerError({ code: 'INTERNAL', errorId }, text));
}
