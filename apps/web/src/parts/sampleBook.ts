/** @file What versions of the model wrote to the same beginnings, read from the inference endpoint now and then. */
import { Inference } from '../chat/inference.js';

export interface Sample {
  readonly version: number;
  readonly texts: readonly string[];
}
/** `texts[i]` of each sample continues `prompts[i]`; samples from the oldest version to the newest. */
export interface SampleBook {
  readonly prompts: readonly string[];
  readonly samples: readonly Sample[];
}

const REFRESH_MS = 20_000;

/** Calls back with every book that could be read, until the function it returns is called. */
export function followSamples(onBook: (book: SampleBook) => void): () => void {
  const read = async (): Promise<void> => {
    const inference = await Inference.find();
    const found = inference && ((await inference.samples()) as SampleBook);
    if (found && Array.isArray(found.samples)) onBook(found);
  };
  const refresh = (): void => void read().catch(() => undefined); // what is shown stays; asked again soon
  refresh();
  const timer = setInterval(refresh, REFRESH_MS);
  return () => clearInterval(timer);
}
