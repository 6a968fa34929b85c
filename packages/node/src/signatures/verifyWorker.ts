/** @file Worker thread: gets packed signature claims, answers one byte per claim, 1 for good. It keeps nothing. */
import { parentPort } from 'node:worker_threads';
import { initCrypto, verifySignature } from '@alice/protocol';
import { unpackClaims } from './claim.js';

await initCrypto();

parentPort!.on('message', (packed: Uint8Array) => {
  const answers = [...unpackClaims(packed)].map((claim) =>
    verifySignature(claim.message, claim.signature, claim.publicKey) ? 1 : 0,
  );
  const bytes = Uint8Array.from(answers);
  parentPort!.postMessage(bytes, [bytes.buffer]);
});
