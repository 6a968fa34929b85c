/** @file Reads a JSON body of bounded size; other media types are refused, so that a form on a foreign page cannot send one. */
import type { IncomingMessage } from 'node:http';
import { invalid, ServeError } from './serveError.js';

const LIMIT_BYTES = 1_000_000;

/** Throws `invalid_request`, `request_too_large`. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw invalid(null, 'send the body as JSON, with "Content-Type: application/json"');
  const body = await readBody(request);
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    throw invalid(null, 'the body is not JSON');
  }
}

/** Events rather than iteration: leaving an iteration would close the connection before the refusal is sent. */
function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    request.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes <= LIMIT_BYTES) chunks.push(chunk);
      else
        reject(
          new ServeError(
            { code: 'request_too_large', param: null, limitBytes: LIMIT_BYTES },
            `the body has more than ${LIMIT_BYTES} bytes`,
          ),
        );
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', reject);
  });
}
