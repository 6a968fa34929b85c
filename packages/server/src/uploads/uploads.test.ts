/** @file Uploads on real sockets: refused from their header alone, timed, and gone without a trace when they break off. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { SUBMISSION_HEADER_BYTES, type Task } from '@alice/protocol';
import type { ServerCore } from '../ServerCore.js';
import { submissionFor, TestClient } from '../testing/TestClient.js';
import { createTinyNetwork, type TinyNetwork, tinyTraining } from '../testing/tinyNetwork.js';

const training = { ...tinyTraining, wire: { wire: 'binary_v3', valueBits: 2 } } as const;

describe('uploads on the wire', () => {
  let network: TinyNetwork;
  let core: ServerCore;
  let miner: TestClient;
  let scorer: TestClient;
  let task: Task;
  let good: Uint8Array;
  let turn = 0;

  before(async () => {
    network = await createTinyNetwork({ training, limits: { uploadIdleMs: 500, intakeThreads: 1 } });
    core = await listening();
    miner = await new TestClient(() => core, network.miner).register();
    scorer = await new TestClient(() => core, network.scorer, 'scorer').register();
  });
  beforeEach(async () => {
    await scorer.scoreAll(); // a round with work in it gives no second task
    task = await miner.task();
    good = await submissionFor(task, core.context.layout, { seed: `wire ${turn++}` });
  });
  afterEach(() => assert.equal(core.context.intake.budget.heldBytes, 0, 'all parts have been given back'));
  after(async () => {
    await core.close();
    network.remove();
  });

  const listening = async (): Promise<ServerCore> => {
    const opened = await network.open();
    await opened.app.listen({ host: '127.0.0.1', port: 0 });
    return opened;
  };
  const spool = (): string => join(network.options.dir, 'incoming', '0');
  const begin = (lengthBytes: number | undefined): ClientRequest =>
    httpRequest({
      port: (core.app.server.address() as AddressInfo).port,
      method: 'PUT',
      path: `/v1/tasks/${task.taskId}/submission`,
      headers: {
        authorization: `Bearer ${miner.token}`,
        'content-type': 'application/octet-stream',
        ...(lengthBytes === undefined ? {} : { 'content-length': lengthBytes }),
      },
    });
  const answerOf = (request: ClientRequest): Promise<{ status: number; code: string | undefined }> =>
    new Promise((resolve, reject) => {
      request.on('error', reject);
      request.on('response', async (response: IncomingMessage) => {
        const text = (await response.setEncoding('utf8').toArray()).join('');
        resolve({ status: response.statusCode!, code: JSON.parse(text).code });
      });
    });
  /** Until it is so; the test's own time limit ends it otherwise. */
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  it('refuses from the header alone, before any of the body has been sent', async () => {
    const { layout } = core.context;
    const wrongNonce = await submissionFor(task, layout, { nonce: `0x${'11'.repeat(32)}` });
    const tooMany = good.slice();
    new DataView(tooMany.buffer).setUint32(104, 2 ** 31, true);
    const cases: [bytes: Uint8Array, lengthBytes: number, code: string][] = [
      [wrongNonce, wrongNonce.length, 'NONCE_WRONG'],
      [tooMany, tooMany.length, 'WIRE_ENTRY_LIMIT'],
      [good, good.length - 1, 'WIRE_TRUNCATED'],
      [good, good.length + 1, 'WIRE_TRAILING_BYTES'],
    ];
    for (const [bytes, lengthBytes, code] of cases) {
      const request = begin(lengthBytes);
      const answer = answerOf(request);
      request.write(bytes.subarray(0, SUBMISSION_HEADER_BYTES));
      assert.deepEqual(await answer, { status: 400, code });
      request.destroy();
    }
    assert.deepEqual(readdirSync(spool()), []);
  });

  it('takes a body of unannounced length, byte for byte, and refuses junk in its middle at once', async () => {
    const junk = begin(good.length);
    const refused = answerOf(junk);
    junk.write(good.subarray(0, SUBMISSION_HEADER_BYTES));
    junk.write(new Uint8Array(Math.floor((good.length - SUBMISSION_HEADER_BYTES) / 2)).fill(0xff));
    assert.match((await refused).code!, /^WIRE_/, 'half of it is enough to know');
    junk.destroy();
    const request = begin(undefined);
    const answer = answerOf(request);
    for (let at = 0; at < good.length; at += 100) request.write(good.subarray(at, at + 100));
    request.end();
    assert.equal((await answer).status, 202);
    assert.deepEqual(readdirSync(spool()), []);
  });

  it('keeps nothing of an upload that breaks off, and gives up on one that stalls', async () => {
    const half = SUBMISSION_HEADER_BYTES + 200;
    const broken = begin(good.length);
    broken.on('error', () => undefined);
    broken.write(good.subarray(0, half));
    await until(() => readdirSync(spool()).length === 1);
    broken.destroy();
    await until(() => readdirSync(spool()).length === 0);
    const stalled = begin(good.length);
    const answer = answerOf(stalled);
    stalled.write(good.subarray(0, half));
    assert.deepEqual(await answer, { status: 408, code: 'UPLOAD_SLOW' });
    stalled.destroy();
    await until(() => readdirSync(spool()).length === 0);
    assert.equal((await miner.submit(task, good)).status, 202, 'the nonce is still good');
  });

  it('finds a half upload of a killed process at the next start and removes it', async () => {
    await core.abandon();
    writeFileSync(join(spool(), 'half'), good.subarray(0, 300));
    core = await listening();
    assert.equal(existsSync(join(spool(), 'half')), false);
    assert.equal((await miner.submit(task, good)).status, 202);
  });
});
