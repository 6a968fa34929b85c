/** @file Server-sent events: the same texts come out however the network cuts the bytes; samples shown are spread evenly. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { spread } from '../pages/versionSamples.js';
import { readEvents } from './readEvents.js';

test('events come out whole however their bytes are cut', async () => {
  const line = fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => text.replace(/[\r\n]/g, '·'));
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 6 }),
      fc.array(fc.nat(40), { maxLength: 20 }),
      async (texts, cuts) => {
        const bytes = new TextEncoder().encode(texts.map((text) => `: beat\n\ndata: ${text}\n\n`).join(''));
        const ends = [...cuts.filter((cut) => cut < bytes.length), bytes.length].sort((a, b) => a - b);
        const body = new ReadableStream<Uint8Array>({
          start(controller) {
            let from = 0;
            for (const end of ends) {
              controller.enqueue(bytes.slice(from, end));
              from = end;
            }
            controller.close();
          },
        });
        const read: string[] = [];
        for await (const data of readEvents(body)) read.push(data);
        assert.deepEqual(read, texts);
      },
    ),
    { numRuns: 60 },
  );
});

test('of many samples the first and the newest are shown, and two between', () => {
  assert.deepEqual(spread([0, 1, 2]), [0, 1, 2]);
  assert.deepEqual(spread([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), [0, 3, 6, 9]);
});
