/** @file What the first block says (whitepaper 1.5), byte for byte; the lines ending in two spaces are its own. */
// CHAIN-3
export const GENESIS_TEXT = [
  'OpenAI officially reaches deal with the Pentagon  ',
  'to deploy its AI models for military use.  ',
  '2/27/2026',
  '',
  '800 million people use their products.  ',
  'Zero people own them.',
  '',
  'Alice \u2013 Trained by the people, from scratch.',
].join('\n');
