/** @file HTTP/1.1 by hand over one connection a request, so that a request can be as wrong as it likes. */
import { connect } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Nothing that is asked here takes longer than this on a busy machine, but for streams that never end. */
const LIMIT_MS = 20_000;
const STREAM = /\r\ncontent-type: text\/event-stream/i;

/** The answer; `undefined` where the server hung up without one, `'silent'` where it neither answers nor hangs up. */
export function sendRaw(port: number, bytes: Buffer): Promise<RawAnswer | undefined | 'silent'> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    /** Without the word to go on that comes before some answers. */
    const text = (): string =>
      Buffer.concat(parts)
        .toString('latin1')
        .replace(/^HTTP\/1\.1 100[^\r\n]*\r\n\r\n/, '');
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    const end = (isSilent: boolean): void => {
      clearTimeout(limit);
      socket.destroy();
      resolve(parseAnswer(text()) ?? (isSilent ? 'silent' : undefined));
    };
    const limit = setTimeout(() => end(true), LIMIT_MS);
    socket.on('data', (part) => {
      parts.push(part);
      if (isWhole(text())) end(false);
    });
    socket.on('error', () => end(false));
    socket.on('close', () => end(false));
  });
}

function isWhole(text: string): boolean {
  const answer = parseAnswer(text);
  if (!answer) return false;
  if (STREAM.test(text) || answer.status === 204 || answer.status === 304) return true;
  if (answer.headers['transfer-encoding'] === 'chunked') return text.endsWith('\r\n0\r\n\r\n');
  return (
    Buffer.byteLength(text, 'latin1') - text.indexOf('\r\n\r\n') - 4 >=
    Number(answer.headers['content-length'])
  );
}

function parseAnswer(text: string): RawAnswer | undefined {
  const match = /^HTTP\/1\.1 (\d{3})[^\r\n]*\r\n([\s\S]*?)\r\n\r\n([\s\S]*)$/.exec(text);
  if (!match) return undefined;
  const [, status, head, rest] = match as unknown as [string, string, string, string];
  const headers = Object.fromEntries(
    head.split('\r\n').map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
    }),
  );
  // Two requests on one connection have two answers, which may come together.
  const length = headers['content-length'];
  const plain = length === undefined ? rest : rest.slice(0, Number(length));
  const body = headers['transfer-encoding'] === 'chunked' ? joinChunks(rest) : plain;
  return { status: Number(status), headers, body: Buffer.from(body, 'latin1').toString('utf8') };
}

function joinChunks(text: string): string {
  let joined = '';
  for (let at = 0; at < text.length; ) {
    const lineEnd = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (!(size > 0)) break;
    joined += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
  return joined;
}
