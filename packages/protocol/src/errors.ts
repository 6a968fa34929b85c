/**
 * @file The error base of every package. An error is data with a code: callers switch on `error.info.code`,
 * never on the text and never on the class name (bundlers rename it). Each package declares its own union of infos.
 */

/** What every coded error carries at least: a stable upper-case code. */
export interface ErrorInfo {
  readonly code: string;
}

/** An error whose `info` says what happened in data; the message says it to a person, with what to do. */
export class CodedError<Info extends ErrorInfo = ErrorInfo> extends Error {
  override name = 'CodedError';
  readonly info: Info;

  constructor(info: Info, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.info = info;
  }

  get code(): Info['code'] {
    return this.info.code;
  }
}

/** True for errors made by this project (or any bundle of it): they carry `info.code`. */
export function isCodedError(error: unknown): error is CodedError {
  if (!(error instanceof Error) || !('info' in error)) return false;
  const { info } = error as { info: unknown };
  return typeof info === 'object' && info !== null && typeof (info as ErrorInfo).code === 'string';
}

/** The code of an error: ours, Node's system code (`ECONNREFUSED`), or `undefined`. */
export function errorCodeOf(error: unknown): string | undefined {
  if (isCodedError(error)) return error.info.code;
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
