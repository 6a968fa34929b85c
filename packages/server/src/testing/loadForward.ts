/**
 * @file The bare forward pass that a scorer is measured against, as a process of its own that works beside it: answers each
 * message with the processor time that a row took just now, ms. At the time of the work itself, since a processor that is busy
 * with other things as well computes slower.
 */
import { constants, setPriority } from 'node:os';
import { createLossFunction, initParameters, presets } from '@alice/model';

const SEQUENCE_LENGTH = 128;
const ROWS = 32;

setPriority(constants.priority.PRIORITY_BELOW_NORMAL); // as the scorer's thread has it
const forward = await createLossFunction(presets.tiny, {
  batch: 8,
  sequenceLength: SEQUENCE_LENGTH,
  threads: 1,
});
const parameters = initParameters(presets.tiny, 'load');
const tokens = Uint16Array.from({ length: ROWS * (SEQUENCE_LENGTH + 1) }, (_, i) => (i * 7919) % 8_000);
await forward.run(parameters, tokens);
process.on('message', async () => {
  const before = process.cpuUsage();
  await forward.run(parameters, tokens);
  const { user, system } = process.cpuUsage(before);
  process.send?.({ perRowMs: (user + system) / 1000 / ROWS });
});
process.on('disconnect', () => process.exit(0));
process.send?.({ isReady: true });
