/** @file Why an update was refused, in words for who has not read the specification; the code stays beside them. */

const WORDS: Readonly<Record<string, string>> = {
  NOISE: 'no gain beyond chance',
  NOT_HELPFUL: 'it made the model worse',
  NOT_FINITE: 'it broke the model',
  TOO_LITTLE_WORK: 'the work was not done',
  COPY: 'a copy of other work',
  STALE_VERSION: 'it came too late',
  ROUND_ROLLED_BACK: 'its round made the model worse',
  SCORING_FAILED: 'it could not be measured',
};

export function refusalText(code: string): string {
  const words = Object.hasOwn(WORDS, code) ? WORDS[code] : undefined;
  return words === undefined ? code : `${words} (${code})`;
}
