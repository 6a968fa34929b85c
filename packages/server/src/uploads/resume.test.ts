/** @file Uploads that go on where they broke: at any byte, on another connection, in another process, and only for their sender. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { appendFileSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import {
  digestField,
  type HashHex,
  ServerClient,
  SUBMISSION_HEADER_BYTES,
  seededRandom,
  type Task,
} from '@alice/protocol';
import { contentHash } from '../blobs/BlobStore.js';
import type { ServerCore } from '../ServerCore.js';
import { startCuttingProxy } from '../testing/cuttingProxy.js';
import { submissionFor, type TestAnswer, TestClient } from '../testing/TestClient.js';
import { createTinyNetwork, type TinyNetwork, tinyTraining } from '../testing/tinyNetwork.js';

const training = { ...tinyTraining, wire: { wire: 'binary_v3', valueBits: 2 } } as const;

describe('an upload whose connection broke', () => {
  let network: TinyNetwork;
  let core: ServerCore;
  let miner: TestClient;
  let other: TestClient;
  let scorer: TestClient;
  let task: Task;
  let good: Uint8Array;
  let half: number;
  let turn = 0;

  before(async () => {
    network = await createTinyNetwork({ training, limits: { brokenUploads: KEPT, intakeThreads: 1 } });
    core = await listening();
    miner = await new TestClient(() => core, network.miner).register();
    other = await new TestClient(() => core, network.otherMiner).register();
    scorer = await new TestClient(() => core, network.scorer, 'scorer').register();
  });
  beforeEach(async () => {
    for (const file of readdirSync(spool())) assert.fail(`${file} was left`);
    await scorer.scoreAll();
    task = await miner.task();
    good = await submissionFor(task, core.context.layout, { seed: `broken ${turn++}` });
    half = SUBMISSION_HEADER_BYTES + Math.floor((good.length - SUBMISSION_HEADER_BYTES) / 2);
  });
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
  const port = (): number => (core.app.server.address() as AddressInfo).port;
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  const begin = (bytes: Uint8Array, who = miner, of = task): ClientRequest => {
    const request = httpRequest({
      port: port(),
      method: 'PUT',
      path: `/v1/tasks/${of.taskId}/submission`,
      headers: {
        authorization: `Bearer ${who.token}`,
        'content-type': 'application/octet-stream',
        'content-length': bytes.length,
        'repr-digest': digestField(contentHash(bytes)),
      },
    });
    request.on('error', () => undefined);
    return request;
  };
  /** Sends so many bytes, waits until they are written, and hangs up. */
  const breakAt = async (at: number, bytes = good, who = miner, of = task): Promise<void> => {
    const file = join(spool(), `${of.taskId}-${contentHash(bytes)}`);
    const request = begin(bytes, who, of);
    request.write(bytes.subarray(0, at));
    await until(() => statSync(file, { throwIfNoEntry: false })?.size === at);
    request.destroy();
  };
  const state = async (of = task, who = miner): Promise<TestAnswer> =>
    who.call('upload', { params: { taskId: of.taskId } });
  const rest = (from: number, { bytes = good, digest = contentHash(good) } = {}): Promise<TestAnswer> =>
    miner.call('resume', {
      params: { taskId: task.taskId },
      body: bytes.subarray(from),
      headers: {
        'repr-digest': digestField(digest),
        'upload-offset': String(from),
        'upload-complete': '?1',
      },
    });
  /** Devices of one miner, each with a task and its bytes. */
  const severalDevices = async (names: readonly string[]) => {
    const devices = [];
    for (const name of names) {
      const device = await new TestClient(() => core, network.miner, 'miner', name).register();
      const task = await device.task();
      devices.push({ device, task, bytes: await submissionFor(task, core.context.layout, { seed: name }) });
    }
    return devices;
  };
  const answerOf = async (request: ClientRequest): Promise<{ info: unknown }> => {
    request.write(good.subarray(0, SUBMISSION_HEADER_BYTES));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const body = JSON.parse((await response.setEncoding('utf8').toArray()).join(''));
    request.destroy();
    return body;
  };
  const storedBytes = (hash: HashHex): Promise<Uint8Array> => core.context.blobs.get(hash);

  it('says how much has arrived, takes the rest, and nothing of it is left', async () => {
    await breakAt(half);
    const known = await state();
    assert.deepEqual(known.body, { offsetBytes: half, digest: contentHash(good), submissionId: null });
    const fields = (answer: TestAnswer) =>
      ['upload-offset', 'upload-complete', 'cache-control'].map((name) => answer.headers[name]);
    assert.deepEqual(fields(known), [String(half), '?0', 'no-store']);
    const answer = await rest(half);
    assert.equal(answer.status, 202, JSON.stringify(answer.body));
    assert.deepEqual(await storedBytes(contentHash(good)), good);
    const done = await state();
    assert.equal(done.body.submissionId, answer.body.submissionId);
    assert.deepEqual(fields(done), [String(good.length), '?1', 'no-store']);
    assert.equal((await rest(half)).body.code, 'UPLOAD_UNKNOWN', 'nothing is kept that has been stored');
    const again = answerOf(begin(good)); // its header is enough
    assert.deepEqual((await again).info, { submissionId: answer.body.submissionId, identical: true });
  });

  it('goes on in another process with what the files of the first hold, if it is sound and not old', async () => {
    const devices = await severalDevices(['half', 'whole', 'damaged', 'old']);
    for (const { device, task, bytes } of devices) await breakAt(bytes.length - 1, bytes, device, task);
    await until(() => core.context.brokenUploads.size === devices.length);
    await core.abandon();
    const [, whole, damaged, old] = devices.map(({ task, bytes }) =>
      join(spool(), `${task.taskId}-${contentHash(bytes)}`),
    );
    appendFileSync(whole!, devices[1]!.bytes.subarray(-1));
    writeFileSync(damaged!, readFileSync(damaged!).fill(0xff, SUBMISSION_HEADER_BYTES));
    utimesSync(old!, new Date(0), new Date(0));
    core = await listening();
    const lengths = [];
    for (const { device, task, bytes } of devices) {
      const { offsetBytes } = (await state(task, device)).body;
      lengths.push(offsetBytes - bytes.length);
      const headers = {
        'repr-digest': digestField(contentHash(bytes)),
        'upload-offset': String(offsetBytes),
        'upload-complete': '?1',
      };
      const params = { taskId: task.taskId };
      const body = bytes.subarray(offsetBytes);
      const answer = await device.call('resume', { params, body, headers });
      const isThere = offsetBytes > 0;
      assert.equal(answer.status, isThere ? 202 : 404, JSON.stringify(answer.body));
      if (!isThere) assert.equal((await device.submit(task, bytes)).status, 202);
      assert.deepEqual(await storedBytes(contentHash(bytes)), bytes);
    }
    const [none, gone] = devices.slice(2).map(({ bytes }) => -bytes.length);
    assert.deepEqual(lengths, [-1, 0, none, gone]);
    await miner.submit(task, good);
  });

  it('refuses what does not fit together, and a whole that is not what was announced', async () => {
    assert.equal((await rest(half)).body.code, 'UPLOAD_UNKNOWN');
    await breakAt(half);
    await state();
    for (const from of [0, half - 1, half + 1]) {
      const { status, body } = await rest(from);
      assert.deepEqual([status, body.code, body.info], [409, 'UPLOAD_OFFSET_WRONG', { offsetBytes: half }]);
    }
    const differs = await rest(half, { digest: contentHash(new Uint8Array(1)) });
    assert.deepEqual([differs.status, differs.body.code], [409, 'UPLOAD_DIFFERS']);
    const foreign = await state(task, other);
    assert.deepEqual([foreign.status, foreign.body.code], [404, 'TASK_UNKNOWN']);
    assert.equal((await state()).body.offsetBytes, half, 'all this did not harm it');
    const spoilt = good.slice();
    spoilt[good.length - 2]! ^= 2; // the sign of a value: as valid as before
    const wrong = await rest(half, { bytes: spoilt });
    assert.deepEqual([wrong.status, wrong.body.code], [400, 'UPLOAD_DIGEST_WRONG']);
    assert.equal((await rest(half)).body.code, 'UPLOAD_UNKNOWN', 'it is gone');
    assert.equal((await miner.submit(task, good)).status, 202, 'and the nonce is still good');
  });

  it('ends the connection that still seems to send it', async () => {
    const first = begin(good);
    const ended = new Promise<void>((resolve) => first.on('close', () => resolve()));
    first.write(good.subarray(0, half));
    await until(
      () =>
        readdirSync(spool()).length === 1 && statSync(join(spool(), readdirSync(spool())[0]!)).size === half,
    );
    assert.equal((await state()).body.offsetBytes, half);
    await ended;
    const second = begin(good);
    second.write(good.subarray(0, half));
    const answered = new Promise<IncomingMessage>((resolve) => {
      const third = begin(good).end(good);
      third.on('response', resolve);
    });
    assert.equal((await answered).statusCode, 202, 'whoever sends all of it anew wins');
    assert.deepEqual(readdirSync(spool()), []);
    second.destroy();
  });

  it('is kept of so many devices at once, the oldest forgotten first', async () => {
    const devices = await severalDevices(['a', 'b', 'c', 'd', 'e']);
    for (const [i, { device, task, bytes }] of devices.entries()) {
      await breakAt(half, bytes, device, task);
      await until(() => core.context.brokenUploads.size === Math.min(KEPT, i + 1));
    }
    assert.equal(core.context.brokenUploads.sizeBytes, KEPT * half);
    await until(() => readdirSync(spool()).length === KEPT);
    const offsets = [];
    for (const { device, task, bytes } of devices) {
      offsets.push((await state(task, device)).body.offsetBytes);
      assert.equal((await device.submit(task, bytes)).status, 202);
    }
    assert.deepEqual(offsets, [0, half, half, half, half]);
    await miner.submit(task, good);
  });

  it('is finished by the client however often it breaks, with one look and the rest each time', async () => {
    const written = (bodyBytes: number) =>
      until(() => readdirSync(spool()).some((file) => statSync(join(spool(), file)).size === bodyBytes));
    const proxy = await startCuttingProxy(port(), written);
    const random = seededRandom('cuts');
    try {
      const member = { key: network.miner, instance: 'cut', role: 'miner', device: DEVICE } as const;
      const backoff = { firstMs: 1, longestMs: 2 };
      const client = new ServerClient({
        url: `http://127.0.0.1:${proxy.port}`,
        member,
        attempts: 3,
        backoff,
      });
      const { offer } = await client.nextTask(0);
      const bytes = await submissionFor(offer!, core.context.layout, { seed: 'cut' });
      proxy.cutNextUploadAt(SUBMISSION_HEADER_BYTES + 1);
      const longest = Math.floor((bytes.length - SUBMISSION_HEADER_BYTES - 1) / CUTS);
      for (let cut = 1; cut < CUTS; cut++) proxy.cutNextUploadAt(1 + random.below(longest));
      const { status } = await client.submit(offer!.taskId, bytes);
      assert.equal(status, 'queued');
      assert.deepEqual(await storedBytes(contentHash(bytes)), bytes);
      assert.equal(proxy.cuts, CUTS);
      assert.equal(proxy.bodyBytes, bytes.length, 'no byte was sent twice');
      const counts = ['PUT', 'GET', 'PATCH'].map(
        (method) =>
          proxy.requests.filter((line) => RegExp(`^${method} \\S+/(submission|upload)$`).test(line)).length,
      );
      assert.deepEqual(counts, [1, CUTS, CUTS]);
    } finally {
      proxy.close();
    }
    await miner.submit(task, good);
  });
});

const CUTS = 6;
const KEPT = 4;
const DEVICE = { kind: 'cpu', name: 'test', threads: 1, memoryBytes: 1, software: 'test' } as const;
