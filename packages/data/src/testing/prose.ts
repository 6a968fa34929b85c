/** @file Made-up prose for tests: paragraphs of words, different for every seed, the same for the same seed. */
import { seededRandom } from '@alice/protocol';

const WORDS = [
  'whale',
  'sea',
  'Ahab',
  'über',
  'naïve',
  'день',
  '海',
  'ship',
  'the',
  'a',
  'of',
  'harpoon',
  '🐋',
];

/** At least `bytes` bytes of UTF-8 in paragraphs of about 400 bytes. */
export function prose(seed: string, bytes: number): string {
  const random = seededRandom(seed);
  let text = '';
  for (let size = 0; size < bytes; size = Buffer.byteLength(text)) {
    const words = Array.from(
      { length: 60 },
      () => `${WORDS[random.below(WORDS.length)]}${random.below(1000)}`,
    );
    text += `${words.join(' ')}.\n\n`;
  }
  return text;
}
