/** @file The loop of every fuzzer: tries inputs until their number or the time is over, or one of them did what must never happen. */
import type { FuzzReport } from './fuzzer.js';
import { watchInputs } from './watch.js';

/** Told what must never happen, with the input that makes it happen again. */
export type Finder = (what: string) => void;

export interface Hunt {
  readonly untilMs: number;
  readonly inputs: number;
  /** Processor time that one input may take. */
  readonly tooLongMs: number;
  /** Says how to run it again. */
  readonly name: string;
}

/** `attempt` tries a new input and answers what became of it. */
export async function hunt(
  attempt: (found: Finder, input: number) => string | Promise<string>,
  { untilMs, inputs, tooLongMs, name }: Hunt,
): Promise<FuzzReport> {
  const outcomes = new Map<string, number>();
  const findings: string[] = [];
  const found: Finder = (what) => void findings.push(what);
  const watch = await watchInputs(tooLongMs, name);
  let tried = 0;
  try {
    while (tried < inputs && findings.length === 0 && Date.now() < untilMs) {
      const outcome = await attempt(found, tried);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      tried++;
      watch.count();
      const slow = watch.slow();
      if (slow !== undefined)
        found(`${name}: input ${slow} took more than ${tooLongMs} ms of processor time`);
    }
  } finally {
    await watch.stop();
  }
  return { inputs: tried, outcomes, findings };
}
