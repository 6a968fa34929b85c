/** @file Registration: who gets a token, and every way not to. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { keyPairFromSecret } from '@alice/protocol';
import type { ServerCore } from '../ServerCore.js';
import { TestClient } from '../testing/TestClient.js';
import { createTinyNetwork, type TinyNetwork } from '../testing/tinyNetwork.js';

const device = { kind: 'cpu', name: 'test', threads: 1, memoryBytes: 1, software: 'test' };

describe('registration', () => {
  let network: TinyNetwork;
  let core: ServerCore;

  before(async () => {
    network = await createTinyNetwork({ limits: { instancesPerAddress: 2 } });
    core = await network.open();
  });
  after(async () => {
    await core.close();
    network.remove();
  });

  const challengeFor = async (client: TestClient) =>
    (
      await client.call('challenge', {
        body: { address: client.key.address, instance: client.instance, role: client.role, device },
      })
    ).body;

  it('gives a working token for a signature by the address', async () => {
    const client = await new TestClient(core, network.miner).register();
    assert.equal((await client.call('shards')).status, 200);
  });

  it('keeps no token in the database, only its hash', async () => {
    const client = await new TestClient(core, network.miner).register();
    const rows = await core.context.db.query<{ token_hash: string }>('SELECT token_hash FROM access_tokens');
    assert.ok(rows.length > 0);
    assert.ok(
      rows.every(({ token_hash }) => /^[0-9a-f]{64}$/.test(token_hash) && token_hash !== client.token),
    );
  });

  it('refuses a signature by another key', async () => {
    const client = new TestClient(core, network.miner);
    const answer = await client.answerChallenge(await challengeFor(client), undefined, network.otherMiner);
    assert.deepEqual([answer.status, answer.body.code], [401, 'SIGNATURE_INVALID']);
  });

  it('refuses a signature made for another network, role or reward address', async () => {
    const client = new TestClient(core, network.miner);
    const forNetwork = { ...(await challengeFor(client)), networkId: `0x${'00'.repeat(32)}` };
    assert.equal((await client.answerChallenge(forNetwork)).body.code, 'SIGNATURE_INVALID');
    const asScorer = new TestClient(core, network.scorer, 'scorer');
    const minersChallenge = await challengeFor(new TestClient(core, network.scorer));
    assert.equal((await asScorer.answerChallenge(minersChallenge)).body.code, 'SIGNATURE_INVALID');
    const challenge = await challengeFor(client);
    const signed = await client.answerChallenge(challenge, network.otherMiner.address);
    assert.equal(signed.status, 200, 'a signed reward address is fine');
  });

  it('lets a challenge be answered once, even wrongly', async () => {
    const client = new TestClient(core, network.miner);
    const challenge = await challengeFor(client);
    assert.equal((await client.answerChallenge(challenge)).status, 200);
    const replay = await client.answerChallenge(challenge);
    assert.deepEqual([replay.status, replay.body.code], [401, 'CHALLENGE_UNKNOWN']);
    const second = await challengeFor(client);
    await client.answerChallenge(second, undefined, network.otherMiner);
    assert.equal((await client.answerChallenge(second)).body.code, 'CHALLENGE_UNKNOWN');
  });

  it('lets a challenge live for its minute and not longer', async () => {
    const client = new TestClient(core, network.miner);
    const fresh = await challengeFor(client);
    network.clock.nowMs += 59_999;
    assert.equal((await client.answerChallenge(fresh)).status, 200);
    const late = await challengeFor(client);
    network.clock.nowMs += 60_000;
    assert.equal((await client.answerChallenge(late)).body.code, 'CHALLENGE_UNKNOWN');
  });

  it('refuses unknown scorers, foreign addresses and too many devices', async () => {
    const stranger = new TestClient(core, network.miner, 'scorer');
    const body = { address: stranger.key.address, instance: 'a', role: 'scorer', device };
    const refused = await stranger.call('challenge', { body });
    assert.deepEqual([refused.status, refused.body.code], [403, 'ROLE_FORBIDDEN']);
    const polkadot = '15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5';
    const foreign = await stranger.call('challenge', { body: { ...body, role: 'miner', address: polkadot } });
    assert.deepEqual(
      [foreign.status, foreign.body.code, foreign.body.info.field],
      [400, 'BAD_REQUEST', 'address'],
    );
    const key = keyPairFromSecret('//many');
    for (const instance of ['a', 'b', 'a']) await new TestClient(core, key, 'miner', instance).register();
    const third = new TestClient(core, key, 'miner', 'c');
    const many = await third.answerChallenge(await challengeFor(third));
    assert.deepEqual([many.status, many.body.code], [429, 'INSTANCE_LIMIT']);
  });

  it('renews a token before its hour is over and refuses it afterwards', async () => {
    const client = await new TestClient(core, network.miner).register();
    network.clock.nowMs += 3_599_999;
    const renewed = await client.call('refresh', {});
    assert.equal(renewed.status, 200);
    network.clock.nowMs += 1;
    assert.equal((await client.call('shards')).body.code, 'TOKEN_INVALID');
    client.token = renewed.body.token;
    assert.equal((await client.call('shards')).status, 200);
    client.token = 'x'.repeat(43);
    assert.equal((await client.call('shards')).body.code, 'TOKEN_INVALID');
    client.token = '';
    const none = await client.call('shards');
    assert.deepEqual(
      [none.status, none.body.code, none.headers['www-authenticate']],
      [401, 'TOKEN_MISSING', 'Bearer'],
    );
  });

  it('keeps tokens over a restart', async () => {
    const client = await new TestClient(() => core, network.miner).register();
    await core.close();
    core = await network.open();
    assert.equal((await client.call('shards')).status, 200);
  });
});
