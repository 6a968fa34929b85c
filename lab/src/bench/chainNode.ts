/**
 * @file The node under measurement, as a process of its own: `chainNode.js DIR SPEC BLOCK_MS [ENGINE]` starts it
 * and sends its parent the address it serves. ENGINE is the engine's options as JSON; default: solo.
 */
import { readFileSync } from 'node:fs';
import { parseChainSpec, startNode } from '@alice/node';
import { initCrypto, silentLogger } from '@alice/protocol';

const [dir, specFile, blockMs, engine] = process.argv.slice(2);
await initCrypto();
const spec = parseChainSpec(readFileSync(specFile!, 'utf8'));
const node = await startNode({
  dir: dir!,
  spec,
  port: 0,
  blockTimeMs: Number(blockMs),
  log: silentLogger,
  ...(engine ? { engine: JSON.parse(engine) } : {}),
});
process.send?.({ url: node.url });
process.once('SIGTERM', () => void node.close().then(() => process.exit(0)));
