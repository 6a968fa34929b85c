/** @file Several nodes on one PostgreSQL: kills of the aggregator and of the database lose nothing and do nothing twice. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ServerCore } from '../ServerCore.js';
import { findPostgres, type PostgresCluster, startPostgres } from '../testing/postgresCluster.js';
import { startNodeProcess } from '../testing/startNodeProcess.js';
import { TestClient } from '../testing/TestClient.js';
import { createTinyNetwork, type TinyNetwork } from '../testing/tinyNetwork.js';

const bin = findPostgres();
const skip =
  bin === undefined ? 'needs PostgreSQL: install it, or set ALICE_POSTGRES_BIN to its programs' : false;

describe('nodes of one database', { skip }, () => {
  let cluster: PostgresCluster;
  let network: TinyNetwork;
  let nodes: ServerCore[];
  let shared: { databaseUrl: string; blobs: string };
  let clock: NodeJS.Timeout;

  before(async () => {
    cluster = await startPostgres(bin!);
    shared = { databaseUrl: await cluster.createDatabase(), blobs: '' };
    network = await createTinyNetwork(shared);
    shared.blobs = join(network.dir, 'blobs');
    network.clock.nowMs = Date.now();
    clock = setInterval(() => {
      network.clock.nowMs = Date.now();
    }, 20);
    const api = (node: string, roles: ('api' | 'epochs')[]) =>
      network.open({ ...shared, node, roles, dir: join(network.dir, node) });
    nodes = [await api('one', ['api', 'epochs']), await api('two', ['api'])];
  });
  after(async () => {
    clearInterval(clock);
    for (const node of nodes ?? []) await node.close();
    network?.remove();
    await cluster?.remove();
  });

  /** Asks again while the answer is "later". */
  const patiently = async <T extends { status: number }>(ask: () => Promise<T>): Promise<T> => {
    for (;;) {
      const answer = await ask();
      if (answer.status !== 503 && answer.status !== 204) return answer;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const until = async (isTrue: () => Promise<boolean>): Promise<void> => {
    while (!(await isTrue().catch(() => false))) await new Promise((resolve) => setTimeout(resolve, 50));
  };
  const scores = async (): Promise<{ status: string; n: number }[]> =>
    nodes[0]!.context.db.query(
      'SELECT status, COUNT(*) AS n FROM submissions GROUP BY status ORDER BY status',
    );

  it('waits for a first version, registers on one node and works on another, and an aggregator takes over', async () => {
    const [one, two] = nodes as [ServerCore, ServerCore];
    const early = await new TestClient(two, network.miner).call('network');
    assert.deepEqual([early.status, early.body.code], [503, 'NOT_READY']);
    assert.equal((await two.app.inject('/readyz')).statusCode, 503);
    const aggregator = (node: string) =>
      startNodeProcess(network.dir, { ...shared, node, roles: ['aggregator'] });
    const first = aggregator('first');
    await first.said('leading');
    const standby = aggregator('standby');
    await standby.said('open');

    // The challenge of one node is answered at the other; the token of one is good at both.
    let core = one;
    const miner = new TestClient(() => core, network.miner);
    const device = { kind: 'cpu' as const, name: 'test', threads: 1, memoryBytes: 1, software: 'test' };
    const challenge = await miner.call('challenge', {
      body: { address: network.miner.address, instance: 'a', role: 'miner', device },
    });
    core = two;
    miner.token = (await miner.answerChallenge(challenge.body)).body.token;
    core = one;
    const task = (await patiently(() => miner.call('task', { body: {} }))).body;
    core = two;
    const { submissionId } = await miner.answerTask(task, 'first life');
    const scorer = await new TestClient(one, network.scorer, 'scorer').register();
    const work = async (isOver: () => Promise<boolean>): Promise<void> => {
      while (!(await isOver())) {
        const job = await scorer.job();
        if (job) await scorer.answer(job, { before: 5 - 0.05 * job.version, gain: 0.05 });
        else await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const version = async () => (await miner.call('latestVersion')).body.version;
    await work(async () => (await version()) === 1);
    assert.equal((await miner.submission(submissionId)).status, 'accepted');

    const next = (await patiently(() => miner.call('task', { body: {} }))).body;
    const sent = await miner.answerTask(next, 'second life');
    await first.kill();
    await standby.said('leading');
    await work(async () => (await version()) === 2);
    const decided = await miner.submission(sent.submissionId);
    assert.deepEqual(
      [decided.status, (await miner.submission(submissionId)).status],
      ['accepted', 'accepted'],
    );
    const [term] = await one.context.db.query<{ term: number; node: string }>(
      `SELECT term, node FROM leaders WHERE role = 'aggregator'`,
    );
    assert.deepEqual(term, { term: 2, node: 'standby' });
    await standby.kill();
  });

  it('refuses the transactions of a leader whose term is over', async () => {
    const leader = await network.open({ ...shared, node: 'stale', dir: join(network.dir, 'stale') });
    await until(async () => (leader.coordinator as unknown as { isLeading: boolean }).isLeading);
    await nodes[0]!.context.db.query(`UPDATE leaders SET term = term + 1 WHERE role = 'aggregator'`);
    const miner = await new TestClient(nodes[1]!, network.otherMiner).register();
    await miner.contribute('of no leader');
    await assert.rejects(leader.coordinator.step(), {
      info: { code: 'LEADERSHIP_LOST', role: 'aggregator' },
    });
    await leader.close();
  });

  it('goes on after the database was killed, with every acknowledged submission', async () => {
    const [one] = nodes as [ServerCore];
    const before = await scores();
    await cluster.kill();
    const miner = new TestClient(one, network.miner, 'miner', 'b');
    const waiting = until(async () => {
      await miner.register();
      return true;
    });
    await cluster.start();
    await waiting;
    assert.deepEqual(await scores(), before);
    const submission = await miner.contribute('after the restart');
    assert.equal((await miner.submission(submission.submissionId)).status, 'queued');
  });
});
