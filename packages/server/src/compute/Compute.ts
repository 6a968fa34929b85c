/**
 * @file The main thread's handle on the compute thread. A thread that dies is started again at the next call; what it
 * was doing fails with a code and is repeated by whoever asked, since all of it is deterministic.
 */
import type { HashHex, Logger, PortCalls } from '@alice/protocol';
import type { IndexSketch } from '@alice/training';
import { ServerError } from '../errors.js';
import { launchThread, type Thread } from '../launchThread.js';
import type { Candidate } from '../state/rounds.js';
import type { RegionFold, RegionFoldRequest } from '../upstream/foldRegion.js';
import type { TakenVersion, TakeRequest } from '../upstream/takeVersion.js';
import type { CompareRequest, CompareResult } from './compareSubmission.js';
import type { FoldRequest, FoldResult } from './foldRound.js';
import type { ComputeCalls, ComputeWorkerData } from './worker.js';

export interface Compute {
  /** What a submission is looked up by among those it may be a copy of. */
  sketch(blobHash: HashHex): Promise<IndexSketch>;
  compare(request: CompareRequest): Promise<CompareResult>;
  fold(request: FoldRequest): Promise<FoldResult>;
  /** One submission out of a region's. */
  foldRegion(request: RegionFoldRequest): Promise<RegionFold>;
  /** A version of the upstream as this region's own. */
  takeVersion(request: TakeRequest): Promise<TakenVersion>;
  first(): Promise<Candidate>;
  close(): Promise<void>;
}

export function startCompute(data: ComputeWorkerData, log: Logger): Compute {
  let running: Thread<ComputeCalls> | undefined;
  let isClosed = false;

  const calls = (): PortCalls<ComputeCalls> => {
    if (isClosed) throw new ServerError({ code: 'SERVER_CLOSED' }, 'the server is closing');
    running ??= launch();
    return running.calls;
  };

  const launch = (): Thread<ComputeCalls> =>
    launchThread(new URL('./worker.js', import.meta.url), data, (ended, reason) => {
      if (running === ended) running = undefined;
      if (!isClosed) log.error('Compute thread ended; it starts again with the next call', { reason });
    });

  return {
    sketch: async (blobHash) => calls().call('sketch', blobHash),
    compare: async (request) => calls().call('compare', request),
    fold: async (request) => calls().call('fold', request),
    foldRegion: async (request) => calls().call('foldRegion', request),
    takeVersion: async (request) => calls().call('takeVersion', request),
    first: async () => calls().call('first', undefined),
    async close() {
      isClosed = true;
      await running?.worker.terminate();
    },
  };
}
