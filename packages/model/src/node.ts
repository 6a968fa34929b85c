/** @file Of the model what needs Node: files. */
export { openHashedHalves } from './streaming/openWeightFile.js';
export { PAGE_BYTES, PAGE_HASH_BYTES, PageHasher } from './streaming/PageHasher.js';
