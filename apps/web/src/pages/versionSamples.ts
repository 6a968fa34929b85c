/** @file What versions of the model wrote to the same beginning, side by side: the untrained one next to the newest. */
import type { NetworkStatus } from '@alice/protocol';
import { element, hint, section } from '../dom.js';
import { choice } from '../parts/choice.js';
import { followSamples, type Sample, type SampleBook } from '../parts/sampleBook.js';

const SHOWN = 4;

export interface VersionSamples {
  readonly node: HTMLElement;
  onStatus(status: NetworkStatus): void;
  close(): void;
}

export function versionSamples(): VersionSamples {
  const place = element('div');
  const node = section(
    'What it writes',
    hint(
      'The same beginnings, continued by versions of the model as they were published (temperature 0.7, same seed). Nothing is chosen by hand.',
    ),
    place,
  );
  node.hidden = true;
  let book: SampleBook = { prompts: [], samples: [] };
  let losses = new Map<number, number>();
  let prompt = 0;
  const cards = element('div', { class: 'samples' });
  const draw = (): void => {
    cards.replaceChildren(...spread(book.samples).map((sample) => card(book, sample, { prompt, losses })));
  };
  const show = (now: SampleBook): void => {
    const isNew = now.prompts.join('\n') !== book.prompts.join('\n');
    book = now;
    node.hidden = now.samples.length === 0;
    if (isNew)
      place.replaceChildren(
        promptChoice(now.prompts, (chosen) => {
          prompt = chosen;
          draw();
        }),
        cards,
      );
    draw();
  };
  const close = followSamples(show);
  return {
    node,
    onStatus: ({ versions }) => {
      losses = new Map(versions.map((v) => [v.version, v.heldOutLossNats ?? Number.NaN]));
      draw();
    },
    close,
  };
}

function promptChoice(prompts: readonly string[], onChange: (index: number) => void): HTMLElement {
  return choice({
    legend: 'Beginning',
    options: prompts.map((prompt, i) => [String(i), `“${prompt.trim()} …”`] as const),
    onChange: (value) => onChange(Number(value)),
  });
}

/** The first, the newest, and some evenly between. */
export function spread<T>(samples: readonly T[]): T[] {
  if (samples.length <= SHOWN) return [...samples];
  return Array.from(
    { length: SHOWN },
    (_, i) => samples[Math.round((i * (samples.length - 1)) / (SHOWN - 1))]!,
  );
}

function card(
  { prompts }: SampleBook,
  { version, texts }: Sample,
  { prompt, losses }: { prompt: number; losses: ReadonlyMap<number, number> },
): HTMLElement {
  const loss = losses.get(version);
  return element(
    'article',
    { class: 'sample' },
    element('h3', {}, `Version ${version}`),
    hint(loss === undefined || Number.isNaN(loss) ? ' ' : `held-out loss ${loss.toFixed(3)}`),
    element('p', {}, element('b', {}, prompts[prompt] ?? ''), texts[prompt] ?? ''),
  );
}
