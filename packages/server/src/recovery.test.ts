/** @file Servers that stop at the worst moment: what was acknowledged is there, what was under way goes on the same way. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { keyPairFromSecret, type LogFacts, type Logger, silentLogger } from '@alice/protocol';
import { openBlobStore } from './blobs/blobLocation.js';
import type { ServerCore } from './ServerCore.js';
import { currentRound } from './state/rounds.js';
import { foldOf } from './state/submissions.js';
import { copyDatabaseTemplate } from './testing/databaseTemplate.js';
import { TestClient } from './testing/TestClient.js';
import { newTestDatabase } from './testing/testDatabase.js';
import { createTinyNetwork, type TinyNetwork } from './testing/tinyNetwork.js';

describe('recovery', () => {
  let network: TinyNetwork;
  let core: ServerCore;
  let miner: TestClient;
  let scorer: TestClient;

  beforeEach(async () => {
    network = await createTinyNetwork();
    core = await network.open();
    miner = await new TestClient(() => core, network.miner).register();
    scorer = await new TestClient(() => core, network.scorer, 'scorer').register();
  });
  afterEach(async () => {
    await core.close();
    network.remove();
  });

  const found: LogFacts[] = [];
  const listening: Logger = {
    ...silentLogger,
    info: (message, facts) => message === 'Server state' && found.push(facts!),
  };
  /** Drops the server without letting it finish, and opens the folder again. */
  const crash = async (): Promise<LogFacts> => {
    await core.abandon();
    core = await network.open({}, listening);
    return found.at(-1)!;
  };
  const versionCount = async () => (await miner.call('status')).body.versions.length;

  it('keeps an acknowledged submission, and a leased job comes back when its lease is over', async () => {
    const { submissionId } = await miner.contribute('acknowledged');
    assert.equal((await crash()).submissionsWaiting, 1);
    assert.equal((await miner.submission(submissionId)).status, 'queued');
    await core.coordinator.step();
    assert.ok(await scorer.job(), 'the baseline is leased');
    assert.equal((await crash()).jobsWaiting, 2);
    await core.coordinator.step();
    assert.equal((await scorer.job())?.kind, 'submission');
    assert.equal(await scorer.job(), undefined);
    network.clock.nowMs += 60_000;
    assert.deepEqual(await scorer.scoreAll(), ['baseline', 'submission', 'candidate']);
    assert.equal(await versionCount(), 2);
  });

  it('folds a half-closed round to the same state root', async () => {
    await miner.contribute('folded');
    await scorer.scoreAll((job) => (job.kind === 'candidate' ? -1 : 0.05)); // measured, then rolled back
    await miner.contribute('again');
    const { db } = core.context;
    await core.coordinator.step();
    await scorer.answer((await scorer.job())!, { before: 5, gain: 0.05 });
    await core.coordinator.step();
    const built = await currentRound(db);
    assert.equal(built.status, 'candidate');
    // As if killed before the candidate was committed: the round is still folding and its job does not exist.
    await db.query(`UPDATE rounds SET status = 'folding', candidate = NULL WHERE round = $1`, [built.round]);
    await db.query(`DELETE FROM jobs WHERE kind = 'candidate' AND subject = $1`, [String(built.round)]);
    const facts = await crash();
    assert.equal(facts.roundStatus, 'folding');
    assert.ok(Number(facts.orphanBlobsRemoved) >= 3, 'master, snapshot and set-delta of the lost candidate');
    await core.coordinator.step();
    const rebuilt = await currentRound(core.context.db);
    assert.deepEqual([rebuilt.status, rebuilt.candidate], ['candidate', built.candidate]);
    assert.equal((await foldOf(core.context.db, built.round)).length, 1);
    await crash(); // now with the candidate job queued
    assert.deepEqual(await scorer.scoreAll(), ['candidate']);
    assert.equal(await versionCount(), 2);
  });

  it('fixes an epoch once and sends the same report until it is settled', async () => {
    await miner.contribute('paid');
    await scorer.scoreAll();
    network.clock.nowMs += network.options.epochMs;
    network.chain.mode = 'drop';
    await core.stepEpoch();
    assert.equal(network.chain.submitted.length, 1);
    assert.equal((await crash()).epochsPending, 1);
    // More work arrives meanwhile; it must not enter the report that is fixed already.
    await miner.contribute('paid later');
    await scorer.scoreAll();
    network.clock.nowMs += 10 * network.options.epochMs;
    network.chain.mode = 'lose';
    await core.stepEpoch();
    await crash();
    network.chain.mode = 'settle';
    await core.stepEpoch();
    assert.equal(
      network.chain.submitted.length,
      2,
      'settled although the answer was lost: not sent a third time',
    );
    assert.deepEqual(network.chain.submitted[1], network.chain.submitted[0]);
    network.clock.nowMs += network.options.epochMs;
    await core.stepEpoch();
    assert.equal(network.chain.submitted[2]!.epoch, 1, 'the later work is in the next epoch');
    const { epochs } = (await miner.call('status')).body;
    assert.deepEqual(
      epochs.map(({ epoch }: { epoch: number }) => epoch),
      [0, 1],
    );
    const paid = network.chain.submitted
      .slice(1)
      .flatMap(({ scores }) => scores)
      .filter(({ role }) => role === 'training');
    const [owed] = await core.context.db.query<{ sum: string }>('SELECT SUM(score) AS sum FROM submissions');
    assert.equal(
      paid.reduce((sum, { scoreNanoNats }) => sum + scoreNanoNats, 0n),
      BigInt(owed!.sum),
    );
  });

  it('starts without the chain once it knows its network, and says that the chain is away', async () => {
    network.chain.isReachable = false;
    await crash();
    await core.stepEpoch();
    const { alarms, chain } = (await miner.call('status')).body;
    assert.deepEqual([alarms[0].code, chain.reachable], ['CHAIN_UNREACHABLE', false]);
    network.chain.isReachable = true;
    await core.stepEpoch();
    assert.deepEqual((await miner.call('status')).body.alarms, []);
  });

  it('says that a chain lacks epochs that were settled on it, until it has them', async () => {
    const { chain, clock, options } = network;
    await miner.contribute('paid');
    await scorer.scoreAll();
    clock.nowMs += options.epochMs;
    await core.stepEpoch();
    const passed = chain.take();
    await core.stepEpoch();
    const { alarms } = (await miner.call('status')).body;
    assert.deepEqual(
      alarms.map(({ code }: { code: string }) => code),
      ['CHAIN_BEHIND'],
    );
    assert.match(alarms[0].message, /at epoch 0, .* before epoch 1 /);
    chain.put(passed);
    await core.stepEpoch();
    assert.deepEqual((await miner.call('status')).body.alarms, []);
  });

  it('begins beside a chain that has settled epochs only on the word of a person', async () => {
    const { chain, clock, options } = network;
    await miner.contribute('paid');
    await scorer.scoreAll();
    clock.nowMs += options.epochMs;
    await core.stepEpoch();
    const { blob_hash } = (
      await core.context.db.query<{ blob_hash: string }>('SELECT blob_hash FROM submissions')
    )[0]!;
    await core.close();
    const databaseUrl = await newTestDatabase();
    if (databaseUrl === undefined) {
      rmSync(join(options.dir, 'db'), { recursive: true });
      await copyDatabaseTemplate(options.dir);
    }
    const lost = { code: 'SERVER_STATE_LOST', dir: options.dir, epochs: 1 };
    await assert.rejects(network.open({ databaseUrl }), { info: lost });
    await assert.rejects(network.open({ databaseUrl, beginAnew: 2 }), {
      info: { code: 'BEGIN_ANEW_WRONG', asked: 2, epoch: 1 },
    });
    const blobs = openBlobStore(options.blobs ?? join(options.dir, 'blobs'));
    assert.ok(await blobs.has(blob_hash), 'a backup of the rows alone would still be worth something');
    core = await network.open({ databaseUrl, beginAnew: 1 });
    await miner.register();
    await scorer.register();
    await miner.contribute('after the loss');
    await scorer.scoreAll();
    clock.nowMs += options.epochMs;
    await core.stepEpoch();
    assert.deepEqual(
      chain.submitted.map(({ epoch }) => epoch),
      [0, 1],
    );
    await core.close();
    core = await network.open({ databaseUrl, beginAnew: 1 }); // known by now: the word is not needed, nor in the way
  });

  it('removes temporary files and blobs nobody refers to', async () => {
    const blobs = join(network.options.dir, 'blobs');
    writeFileSync(join(blobs, 'incoming-1'), 'half');
    const orphan = await core.context.blobs.put(new TextEncoder().encode('never acknowledged'));
    const facts = await crash();
    assert.deepEqual([facts.temporaryFilesRemoved, facts.orphanBlobsRemoved], [1, 1]);
    assert.ok(!(await core.context.blobs.has(orphan.hash)));
    assert.ok(!readdirSync(blobs).includes('incoming-1'));
  });

  it('refuses a second server, another network, model, seed and key in the folder', async () => {
    await assert.rejects(network.open(), { info: { code: 'SERVER_DIR_LOCKED', dir: network.options.dir } });
    const round = network.options.round;
    await core.close();
    const model = { ...network.options.model, ffn: 96 };
    for (const [field, changes] of [
      ['seed', { seed: 'other' }],
      ['model', { model }],
      ['serverId', { serverKey: keyPairFromSecret('//someone else') }],
    ] as const)
      await assert.rejects(network.open(changes), (error: { info: { code: string; field: string } }) => {
        assert.deepEqual([error.info.code, error.info.field], ['SERVER_DIR_MISMATCH', field]);
        return true;
      });
    await assert.rejects(network.open({ tokenizerId: 'gpt2' }), {
      info: { code: 'DATA_MISMATCH', field: 'tokenizer', expected: 'gpt2', actual: 'bytes' },
    });
    await assert.rejects(network.open({ round: { ...round, windowMs: 0 } }), {
      info: { code: 'OPTIONS_INVALID', field: 'round.windowMs', value: 0 },
    });
    core = await network.open(); // and is fine afterwards: nothing stayed locked
  });
});

describe('kill -9', () => {
  it('loses no acknowledged submission, whenever it strikes', async (t) => {
    const network = await createTinyNetwork();
    t.after(() => network.remove());
    const script = fileURLToPath(new URL('./testing/busyServer.js', import.meta.url));
    const acknowledged: string[] = [];
    let killAfter = 3;
    for (let life = 0; life < 2; life++, killAfter += 3) {
      const { databaseUrl } = network.options;
      const words = [script, network.dir, String(life), ...(databaseUrl === undefined ? [] : [databaseUrl])];
      const child = spawn(process.execPath, words, {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await new Promise<void>((resolve) => {
        let text = '';
        let seen = 0;
        child.stdout.on('data', (chunk: Buffer) => {
          text += chunk;
          const lines = text.split('\n');
          text = lines.pop()!;
          for (const line of lines) {
            acknowledged.push(line);
            if (++seen === killAfter) child.kill('SIGKILL');
          }
        });
        child.on('exit', () => resolve());
      });
    }
    assert.ok(acknowledged.length >= 3 + 6, `${acknowledged.length} submissions were acknowledged`);
    const core = await network.open();
    t.after(() => core.close());
    const rows = await core.context.db.query<{ submission_id: string; blob_hash: string }>(
      'SELECT submission_id, blob_hash FROM submissions',
    );
    const stored = new Map(rows.map((row) => [row.submission_id, row.blob_hash]));
    for (const id of acknowledged) assert.ok(stored.has(id), `submission ${id} was acknowledged and lost`);
    for (const hash of stored.values()) assert.ok((await core.context.blobs.get(hash)).length > 0);
    network.clock.nowMs = Date.now() + 3_600_000; // the children ran on the real clock: all leases are over
    const scorer = await new TestClient(core, network.scorer, 'scorer').register();
    await scorer.scoreAll();
    const [waiting] = await core.context.db.query<{ n: number }>(
      `SELECT COUNT(*) AS n FROM submissions WHERE status = 'queued'`,
    );
    assert.equal(waiting!.n, 0, 'everything that was under way was finished');
    const { versions } = (await scorer.call('status')).body;
    assert.ok(versions.length >= 2);
  });
});
