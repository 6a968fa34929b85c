/** @file Several nodes on one PostgreSQL: kills of the aggregator and of the database lose nothing and do nothing twice. */
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { keyPairFromSecret, ServerClient } from '@alice/protocol';
import type { ServerCore } from '../ServerCore.js';
import { startFaultProxy } from '../testing/chaos/faultProxy.js';
import { findPostgres, type PostgresCluster, startPostgres } from '../testing/postgresCluster.js';
import { startNodeProcess } from '../testing/startNodeProcess.js';
import { submissionFor, TestClient } from '../testing/TestClient.js';
import { createTinyNetwork, type TinyNetwork } from '../testing/tinyNetwork.js';

const DEVICE = { kind: 'cpu', name: 'test', threads: 1, memoryBytes: 1, software: 'test' } as const;
const RESTARTED = [
  { node: 'one', roles: ['api', 'epochs'] },
  { node: 'two', roles: ['api'] },
] as const;
const bin = findPostgres();
const skip =
  bin === undefined ? 'needs PostgreSQL: install it, or set ALICE_POSTGRES_BIN to its programs' : false;

describe('nodes of one database', { skip }, () => {
  let cluster: PostgresCluster;
  let network: TinyNetwork;
  let nodes: ServerCore[];
  let shared: { databaseUrl: string; blobs: string };
  let clock: NodeJS.Timeout;
  const api = (node: string, roles: readonly ('api' | 'epochs')[]) =>
    network.open({ ...shared, node, roles, dir: join(network.dir, node), drainMs: 300 });

  before(async () => {
    cluster = await startPostgres(bin!);
    shared = { databaseUrl: await cluster.createDatabase(), blobs: '' };
    network = await createTinyNetwork(shared);
    shared.blobs = join(network.dir, 'blobs');
    network.clock.nowMs = Date.now();
    clock = setInterval(() => {
      network.clock.nowMs = Date.now();
    }, 20);
    nodes = [];
    for (const { node, roles } of RESTARTED) nodes.push(await api(node, roles));
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

  it('is restarted node by node while miners register, take tasks and submit, and no call fails', async () => {
    const listen = async (node: ServerCore): Promise<ServerCore> => {
      await node.app.listen({ host: '127.0.0.1', port: 0 });
      return node;
    };
    for (const node of nodes) await listen(node);
    // A balancer that asks /readyz: nothing new for a node that has begun to close.
    const line = await startFaultProxy(() =>
      nodes
        .filter(({ context }) => !context.closing.aborted)
        .map(({ app }) => `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`),
    );
    const acknowledged: string[] = [];
    const failed: unknown[] = [];
    let isOver = false;
    const { layout } = nodes[0]!.context;
    const mine = async (worker: number): Promise<void> => {
      for (let device = 0; !isOver && failed.length === 0; device++) {
        const key = keyPairFromSecret(`//restart/${worker}/${Math.floor(device / 50)}`);
        const member = { key, instance: `d${device}`, role: 'miner', device: DEVICE } as const;
        const client = new ServerClient({ url: line.url, member, attempts: 1 });
        const { offer } = await client.nextTask(0);
        if (!offer) throw new Error('an open round has a task for every device');
        const bytes = await submissionFor(offer, layout, { seed: `${worker} ${device}` });
        acknowledged.push((await client.submit(offer.taskId, bytes)).submissionId);
      }
    };
    const mining = [0, 1, 2].map((worker) => mine(worker).catch((error: unknown) => failed.push(error)));
    const someMore = async (): Promise<void> => {
      const goal = acknowledged.length + 5;
      await until(async () => acknowledged.length >= goal || failed.length > 0);
    };
    try {
      for (const [i, { node, roles }] of RESTARTED.entries()) {
        await someMore();
        await nodes[i]!.close(); // as on SIGTERM
        await someMore();
        nodes[i] = await listen(await api(node, roles));
        await someMore();
      }
    } finally {
      isOver = true;
      await Promise.all(mining);
      await line.close();
    }
    assert.deepEqual(failed, []);
    const [row] = await nodes[0]!.context.db.query<{ n: number }>(
      'SELECT COUNT(*) AS n FROM submissions WHERE submission_id = ANY($1)',
      [acknowledged],
    );
    assert.equal(row!.n, acknowledged.length, 'each that was acknowledged is there');
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
