/**
 * @file For someone who has never heard of Alice: what the model wrote before anyone had trained it, what it writes now, and
 * one figure for the difference. The figure is from `/v1/status`; the texts come when there is an inference endpoint.
 */
import type { NetworkStatus } from '@alice/protocol';
import { element, section } from '../dom.js';
import { count } from '../format.js';
import { newestLoss } from '../parts/newestLoss.js';
import { followSamples, type Sample, type SampleBook } from '../parts/sampleBook.js';

export interface ThenAndNow {
  readonly node: HTMLElement;
  onStatus(status: NetworkStatus): void;
  close(): void;
}

/** Which of the beginnings is shown: a story's. */
const PROMPT = 1;

export function thenAndNow(): ThenAndNow {
  const said = element('p', { class: 'said' });
  const texts = element('div', { class: 'samples' });
  const node = section('Does it get better?', said, texts);
  return {
    node,
    onStatus: (status) => {
      said.textContent = progressText(status);
    },
    close: followSamples((book) => texts.replaceChildren(...pair(book))),
  };
}

/** Loss as the number of equally likely choices, which needs no explanation of nats. */
export function progressText(status: NetworkStatus): string {
  const { vocab } = status.model;
  const loss = newestLoss(status);
  const version = status.versions.at(-1)?.version ?? 0;
  if (loss === null) return 'The first measurement comes within a minute.';
  const choices = Math.max(1, Math.round(Math.exp(loss)));
  if (version === 0 || choices >= vocab)
    return `Not yet: the model is as it was made, all chance. At each step it hesitates between all ${count(vocab)} pieces of words it knows.`;
  return `Yes. At first it hesitated between all ${count(vocab)} pieces of words it knows, at every step. Now, ${count(version)} ${version === 1 ? 'version' : 'versions'} later, it hesitates between ${count(choices)}.`;
}

function pair({ prompts, samples }: SampleBook): HTMLElement[] {
  const [first, newest] = [samples[0], samples.at(-1)];
  if (!first) return [];
  const at = Math.min(PROMPT, prompts.length - 1);
  const beginning = prompts[at] ?? '';
  const quote = (title: string, { texts }: Sample): HTMLElement =>
    element(
      'article',
      { class: 'sample' },
      element('h3', {}, title),
      element('p', {}, element('b', {}, beginning), texts[at] ?? ''),
    );
  const before = quote(
    first.version === 0 ? 'Version 0 wrote, before any training' : `Version ${first.version} wrote`,
    first,
  );
  return newest && newest !== first ? [before, quote(`Version ${newest.version} writes`, newest)] : [before];
}
