/**
 * @file The computing half of a scorer as seen from the networking thread: its calls, forwarded to a program of its own.
 * When that dies, what it was doing fails with `THREAD_ENDED`, and the next `open` starts it anew; on the processor,
 * where it died of another device.
 */
import { ComputeProgram, type ComputeProgramOptions, type DeviceName } from '@alice/engine/node';
import type { ScoringJob } from '@alice/protocol';
import type { JobScorer, JobScores, OpenScoring, ScoringSource } from './scoring.js';

export interface RemoteScorerOptions {
  /** What is computed on; the processor unless given. That it works was found out before. */
  readonly device?: DeviceName | undefined;
  readonly onDeviceLost?: ComputeProgramOptions<undefined>['onDeviceLost'];
}

export class RemoteScorer implements JobScorer {
  readonly #program: ComputeProgram<JobScorer>;

  constructor(source: ScoringSource, { device = 'cpu', onDeviceLost }: RemoteScorerOptions = {}) {
    this.#program = new ComputeProgram({
      ...{ program: new URL('./scoringProgram.js', import.meta.url), name: 'alice scoring' },
      ...{ device, onDeviceLost, settingsOn: () => undefined },
      handlers: {
        blob: (request: Parameters<ScoringSource['blob']>[0]) => source.blob(request),
        version: (version: number) => source.version(version),
        batch: (batchId: string) => source.batch(batchId),
      },
    });
  }

  open(request: OpenScoring): Promise<void> {
    return this.#program.calls.call('open', request);
  }
  score(job: ScoringJob): Promise<JobScores> {
    return this.#program.calls.call('score', job);
  }
  close(): Promise<void> {
    return this.#program.end((calls) => calls.call('close', undefined));
  }
}
