/** @file Sends the newest model as a file: made in an inference thread, which is free again while the file is sent. */
import { open } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { InferenceQueue } from './InferenceQueue.js';
import type { InferenceThread } from './InferenceThread.js';
import type { ModelFileFormat } from './modelFile.js';

export type FileMaker = Pick<InferenceThread, 'file'>;

/** Throws before the first byte; a reader who leaves ends the sending. */
export async function sendModelFile(
  queue: Pick<InferenceQueue<FileMaker>, 'run'>,
  { response, format, dir }: { response: ServerResponse; format: ModelFileFormat; dir: string },
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  // Opened while the thread is held: a newer version would replace the file.
  const { file, path } = await queue.run(gone.signal, async (thread) => {
    const made = await thread.file(format, dir);
    return { path: made, file: await open(made) };
  });
  try {
    const { size } = await file.stat();
    response.writeHead(200, {
      ...{ 'content-type': 'application/octet-stream', 'content-length': size, 'cache-control': 'no-store' },
      'content-disposition': `attachment; filename="${basename(path)}"`,
    });
    await pipeline(file.createReadStream({ autoClose: false }), response).catch(() => undefined);
  } finally {
    await file.close();
  }
}
