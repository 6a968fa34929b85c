/** @file The worker thread of a streamed build: takes one source file at a time and makes its part. */
import { dirname } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '@alice/protocol';
import { outputFault } from '../build/inOutput.js';
import { DataError } from '../errors.js';
import type { ListedFile } from '../sources/ListedFile.js';
import { hubAccess } from '../sources/remote/listHub.js';
import { partFiles } from './PartFiles.js';
import type { FromWorker, WorkerSetup } from './partWorkers.js';
import { tokenizePart } from './tokenizePart.js';
import { loadTokenizer } from './tokenizerModule.js';

const { job, tokenizerModule, workDir } = workerData as WorkerSetup;
const port = parentPort!;
const tokenizer = loadTokenizer(tokenizerModule);

port.on('message', async (file: ListedFile) => {
  const say = (message: FromWorker): void => port.postMessage(message);
  try {
    const summary = await tokenizePart({
      file,
      job,
      name: partFiles(workDir, file),
      tokenizer: await tokenizer,
      // The token comes from this thread's environment: it is in no message.
      access: hubAccess(),
      onProgress: (added) => say({ kind: 'progress', added }),
    });
    say({ kind: 'done', summary });
  } catch (cause) {
    const error = outputFault(cause, dirname(workDir));
    say({ kind: 'failed', info: error instanceof DataError ? error.info : null, message: messageOf(error) });
  }
});
