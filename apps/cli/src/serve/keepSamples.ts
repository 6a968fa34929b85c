/** @file Looks now and then for a version that is due in the sample book, and lets it write when nobody waits for a text. */
import { type Logger, messageOf } from '@alice/protocol';
import type { Author } from './answerCompletion.js';
import type { InferenceQueue } from './InferenceQueue.js';
import type { ModelCard } from './ModelCard.js';
import { SAMPLE_PROMPTS, SAMPLE_SAMPLING, type SampleBook } from './SampleBook.js';

interface SamplePorts {
  readonly queue: Pick<InferenceQueue<Author>, 'run' | 'isIdle'>;
  readonly describe: () => Promise<ModelCard>;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

const LOOK_EVERY_MS = 5_000;

/** Until the signal. A version that could not be sampled is tried again, or left out when a newer one is there. */
export function keepSamples(book: SampleBook, ports: SamplePorts): void {
  let isBusy = false;
  const look = async (): Promise<void> => {
    const { version } = await ports.describe();
    if (version === undefined || !book.isDue(version) || !ports.queue.isIdle) return;
    await ports.queue.run(ports.signal, (author) => sample(book, author, ports.signal));
  };
  const tick = async (): Promise<void> => {
    if (isBusy) return;
    isBusy = true;
    await look().catch((error: unknown) =>
      ports.log.debug('No sample could be made', { reason: messageOf(error) }),
    );
    isBusy = false;
  };
  const timer = setInterval(() => void tick(), LOOK_EVERY_MS);
  ports.signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  void tick();
}

async function sample(book: SampleBook, author: Author, signal: AbortSignal): Promise<void> {
  const card = await author.load();
  const texts: string[] = [];
  for (const text of SAMPLE_PROMPTS) {
    let written = '';
    await author.write({ kind: 'text', text }, SAMPLE_SAMPLING, {
      ...{ signal, onStart: () => undefined, onPiece: (piece) => (written += piece) },
    });
    texts.push(written);
  }
  // A newer version may have come between two texts: such a mixture is nobody's sample.
  const after = await author.load();
  if (!signal.aborted && after.version === card.version) book.add(card, texts);
}
