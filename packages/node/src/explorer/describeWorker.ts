/**
 * @file Worker thread: gets the bytes of blocks, answers what they say in words. Metadata is sent once per runtime
 * version and remembered.
 */
import { parentPort } from 'node:worker_threads';
import { messageOf } from '@alice/protocol';
import { ChainDecoder } from '../describe/ChainDecoder.js';
import type { DescribeAnswer, DescribeRequest } from './DescribeThread.js';

const decoders = new Map<number, ChainDecoder>();

parentPort!.on('message', ({ id, specVersion, metadata, extrinsics, events }: DescribeRequest) => {
  try {
    if (metadata) decoders.set(specVersion, new ChainDecoder(metadata));
    const decoder = decoders.get(specVersion);
    if (!decoder) throw new Error(`cannot happen: no metadata for version ${specVersion}`);
    const answer: DescribeAnswer = {
      id,
      extrinsics: extrinsics.map((bytes) => decoder.extrinsic(bytes)),
      events: events.length === 0 ? [] : decoder.events(events),
    };
    parentPort!.postMessage(answer);
  } catch (error) {
    parentPort!.postMessage({ id, error: messageOf(error) } satisfies DescribeAnswer);
  }
});
