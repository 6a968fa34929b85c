/**
 * @file The node under measurement, as a process of its own: `chainNode.js DIR SPEC BLOCK_MS` starts it and sends its
 * parent the address it serves.
 */
import { readFileSync } from 'node:fs';
import { parseChainSpec, startNode } from '@alice/node';
import { initCrypto, silentLogger } from '@alice/protocol';

const [dir, specFile, blockMs] = process.argv.slice(2);
await initCrypto();
const spec = parseChainSpec(readFileSync(specFile!, 'utf8'));
const node = await startNode({ dir: dir!, spec, port: 0, blockTimeMs: Number(blockMs), log: silentLogger });
process.send?.({ url: node.url });
process.once('SIGTERM', () => void node.close().then(() => process.exit(0)));
