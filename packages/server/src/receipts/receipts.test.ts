/**
 * @file A small network with real training and scoring: every judged submission gets a receipt, a stranger measures it
 * again from public parts and recomputes each version's root bit for bit, and whatever is tampered with is found.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openDataset } from '@alice/data';
import { createLossFunction, type LossFunction } from '@alice/model';
import {
  decodeAnySubmission,
  errorCodeOf,
  type Receipt,
  type SignedReceipt,
  type VersionFold,
} from '@alice/protocol';
import { defaultTrainingSettings } from '@alice/training';
import type { ServerCore } from '../ServerCore.js';
import { openRealScorer, type RealScorer } from '../testing/scoreForReal.js';
import { TestClient } from '../testing/TestClient.js';
import {
  type Conduct,
  honestly,
  openSharedGraphs,
  type SharedGraphs,
  TrainingDevice,
  weightsOf,
} from '../testing/TrainingDevice.js';
import { createTinyNetwork, type TinyNetwork, tinyTraining } from '../testing/tinyNetwork.js';
import { verifyEpoch } from '../verify/verifyEpoch.js';
import { verifyInclusion } from '../verify/verifyInclusion.js';
import { type FoldedWork, verifyPay } from '../verify/verifyPay.js';
import { verifyRound } from '../verify/verifyRound.js';
import { openReceipt, type ScorePorts, verifyScore } from '../verify/verifyScore.js';

const training = {
  ...tinyTraining,
  innerSteps: 4,
  rowsPerStep: 4,
  wire: { wire: 'binary_v3', valueBits: 2 } as const,
  work: { ...defaultTrainingSettings.work, rows: 8, controlRows: 4 },
  schedule: { ...defaultTrainingSettings.schedule, warmupSteps: 1 },
};

describe('receipts, SPEC SCORE-5', () => {
  let network: TinyNetwork;
  let core: ServerCore;
  let graphs: SharedGraphs;
  let scorer: RealScorer;
  let lossFunction: LossFunction;
  let reader: TestClient;
  const weights = new Map<number, Float32Array>();
  const ids: string[] = [];

  before(async () => {
    network = await createTinyNetwork({ training });
    core = await network.open();
    graphs = await openSharedGraphs(core);
    reader = new TestClient(core, network.miner); // never registers: receipts are public
    const devices: TrainingDevice[] = [];
    for (const instance of ['a', 'b', 'c'])
      devices.push(
        new TrainingDevice(
          core,
          await new TestClient(core, network.miner, 'miner', instance).register(),
          graphs,
        ),
      );
    scorer = await openRealScorer(core, await new TestClient(core, network.scorer, 'scorer').register());
    await scorer.scoreAll();
    const backwards: Conduct = async ({ task, rows, train, compress }) =>
      compress((await train(rows, task.settings.innerSteps)).map((x) => -x));
    for (let round = 0; round < 3; round++) {
      weights.set(round, await weightsOf(core));
      for (const [i, device] of devices.entries())
        ids.push((await device.contribute(i === 2 ? backwards : honestly)).submissionId);
      await scorer.scoreAll();
    }
    const shape = { batch: 8, sequenceLength: training.sequenceLength, threads: 1 };
    lossFunction = await createLossFunction(core.context.model, shape);
  });
  after(async () => {
    await lossFunction?.dispose();
    await scorer?.close();
    await graphs?.dispose();
    await core?.close();
    network?.remove();
  });

  const signed = async (submissionId: string): Promise<SignedReceipt> => {
    const { status, body } = await reader.call('receipt', { params: { submissionId } });
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  };
  const blobOf = async (submissionId: string) =>
    (await reader.call('receiptBlob', { params: { submissionId } })).bytes;
  const ports = (receipt: Receipt): ScorePorts => ({
    layout: core.context.layout,
    lossFunction,
    dataset: openDataset(network.options.dataDir),
    weights: async (version) => weights.get(version)!,
    blob: () => blobOf(receipt.submissionId),
  });
  const fails = (code: string) => (error: unknown) => {
    assert.equal(errorCodeOf(error), code, String(error));
    return true;
  };

  it('are signed for all judged work once newer weights are out, accepted or refused, and listed', async () => {
    const { receipts } = (await reader.call('receipts', { params: { address: network.miner.address } })).body;
    assert.equal(receipts.length, 9, 'three rounds are over, and their versions superseded');
    for (const id of ids) {
      const { receipt } = await signed(id);
      assert.equal(receipt.networkId, core.context.networkId);
      assert.ok(receipt.looks.length > 0);
      assert.equal(receipt.work === null, receipt.outcome === 'refused');
    }
    assert.ok(receipts.some(({ outcome }: { outcome: string }) => outcome === 'accepted'));
    assert.ok(receipts.some(({ code }: { code: string | null }) => code === 'NOT_HELPFUL'));
    assert.equal((await reader.call('receipt', { params: { submissionId: 'none' } })).status, 404);
  });

  it('can be measured again by anyone, to the last digits', async () => {
    for (const id of ids) {
      const receipt = openReceipt(await signed(id), core.context.options.serverKey.address);
      const report = await verifyScore(receipt, ports(receipt), 1e-5);
      assert.equal(report.rows > 0, true);
      assert.ok(Math.abs(report.gainNats! - receipt.gainNats!) < 1e-5);
    }
  });

  it('do not survive a change: of a number, of the signer, of the bytes, of the rows, of the weights', async () => {
    const good = await signed(ids[0]!);
    const changed = (change: Partial<Receipt>): SignedReceipt => ({
      ...good,
      receipt: { ...good.receipt, ...change },
    });
    assert.throws(() => openReceipt(changed({ score: '99' })), fails('RECEIPT_SIGNATURE_INVALID'));
    assert.throws(
      () => openReceipt(changed({ serverId: network.miner.address })),
      fails('RECEIPT_SIGNATURE_INVALID'),
    );
    assert.throws(() => openReceipt(good, network.miner.address), fails('RECEIPT_SERVER_WRONG'));
    assert.throws(() => openReceipt({ receipt: {}, signature: '0x' }), fails('RECEIPT_MALFORMED'));
    // What a lying server could sign:
    const { receipt } = good;
    const lie = (change: Partial<Receipt>, more: Partial<ScorePorts> = {}) =>
      verifyScore({ ...receipt, ...change }, { ...ports(receipt), ...more });
    const [look] = receipt.looks;
    const withDrawn = (drawn: Partial<(typeof receipt.looks)[number]['drawn']>) => ({
      looks: [{ ...look!, drawn: { ...look!.drawn, ...drawn } }],
    });
    await assert.rejects(lie(withDrawn({ meanLossAfterNats: 1 })), fails('SCORE_DIFFERS'));
    await assert.rejects(lie({ gainNats: receipt.gainNats! + 0.01 }), fails('SCORE_DIFFERS'));
    await assert.rejects(lie(withDrawn({ seed: 'chosen afterwards' })), fails('RECEIPT_BATCH_WRONG'));
    await assert.rejects(lie({}, { blob: () => blobOf(ids[1]!) }), fails('RECEIPT_BLOB_WRONG'));
    await assert.rejects(lie({}, { weights: async () => weights.get(2)! }), fails('RECEIPT_WEIGHTS_WRONG'));
    const { work } = receipt;
    const assigned = { ...work!.assigned, meanLossAfterNats: 0 };
    await assert.rejects(lie({ work: { ...work!, assigned } }), fails('SCORE_DIFFERS'));
  });

  it('of paid work are proven against the root that the chain settled their epoch with', async () => {
    network.clock.nowMs += network.options.epochMs;
    await core.stepEpoch();
    const settled = (await network.chain.epoch(0))!;
    const proofOf = (submissionId: string, epoch = '0') =>
      reader.call('receiptProof', { params: { epoch, submissionId } });
    let paid = 0;
    for (const id of ids) {
      const receipt = await signed(id);
      const { status, body: proof } = await proofOf(id);
      assert.equal(status, receipt.receipt.score === '0' ? 404 : 200, id);
      if (status === 404) continue;
      paid++;
      assert.equal(proof.receiptsRoot, settled.receiptsRoot);
      verifyInclusion(receipt, proof, settled.receiptsRoot);
      const { score } = receipt.receipt;
      const more = { ...receipt, receipt: { ...receipt.receipt, score: `${score}0` } };
      assert.throws(() => verifyInclusion(more, proof, settled.receiptsRoot), fails('RECEIPT_NOT_IN_EPOCH'));
    }
    assert.ok(paid >= 3, `${paid} receipts`);
    assert.equal((await proofOf(ids[0]!, '1')).status, 404);
  });

  it('of the applied rounds lead to the published roots bit for bit', async () => {
    let verified = 0;
    let paid = 0n;
    const { versions } = (await reader.call('status')).body;
    for (const { version } of versions.slice(1)) {
      const manifest = (await reader.call('version', { params: { version: String(version) } })).body;
      const parent = (await reader.call('version', { params: { version: String(version - 1) } })).body;
      const { body: fold }: { body: VersionFold } = await reader.call('fold', {
        params: { version: String(version) },
      });
      assert.ok(fold.submissions.length > 0);
      const master = async (offset: number, size: number) => {
        const headers = { range: `bytes=${4 * offset}-${4 * (offset + size) - 1}` };
        const { bytes } = await reader.call('master', { params: { version: String(version - 1) }, headers });
        return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
      };
      const common = {
        layout: core.context.layout,
        fold,
        baseRoot: parent.stateRoot,
        root: manifest.stateRoot,
      };
      await verifyRound({ ...common, master, blob: blobOf });
      const work = await Promise.all(fold.submissions.map(({ submissionId }) => workOf(submissionId)));
      paid += verifyPay(fold, work).nanoNats;
      tamper(fold, work);
      verified++;
      const less = { ...fold, submissions: fold.submissions.slice(1) };
      if (less.submissions.length > 0)
        await assert.rejects(
          verifyRound({ ...common, fold: less, master, blob: blobOf }),
          fails('ROOT_DIFFERS'),
        );
    }
    assert.ok(verified >= 2, `${verified} versions`);
    const settled = (await network.chain.payouts(0)).filter(({ role }) => role === 'training');
    assert.equal(
      paid,
      settled.reduce((sum, { scoreNanoNats }) => sum + scoreNanoNats, 0n),
      'pay computed again is what the chain has',
    );
  });

  const workOf = async (submissionId: string): Promise<FoldedWork> => {
    const { layout } = core.context;
    const limits = { layout, maxEntries: layout.size, maxInflatedBytes: 8 * layout.size + 65_536 };
    const { delta } = await decodeAnySubmission(await blobOf(submissionId), limits);
    return { receipt: (await signed(submissionId)).receipt, delta };
  };
  /** What a lying server could have signed, one lie at a time. */
  function tamper(fold: VersionFold, work: readonly FoldedWork[]): void {
    const lie = (change: Partial<Receipt>) => () =>
      verifyPay(fold, [{ ...work[0]!, receipt: { ...work[0]!.receipt, ...change } }, ...work.slice(1)]);
    const { receipt } = work[0]!;
    const { previousRate, smoothedRate } = receipt.pay!;
    assert.throws(lie({ score: `${receipt.score}0` }), fails('PAY_DIFFERS'));
    assert.throws(lie({ verifiedTokens: 2 * receipt.verifiedTokens! }), fails('PAY_DIFFERS'));
    assert.throws(lie({ gainNats: 2 * receipt.gainNats! }), fails('PAY_DIFFERS'));
    assert.throws(
      lie({ pay: { previousRate: (previousRate ?? 1) + 1, smoothedRate } }),
      fails('PAY_DIFFERS'),
    );
    assert.throws(lie({ outcome: 'refused' }), fails('PAY_DIFFERS'));
    const heavier = fold.submissions.map((one) => ({ ...one, weight: one.weight / 2 }));
    assert.throws(() => verifyPay({ ...fold, submissions: heavier }, work), fails('PAY_DIFFERS'));
    const { pay: _, ...silent } = fold;
    assert.throws(() => verifyPay(silent, work), fails('PAY_NOT_STATED'));
  }

  it('of an epoch are all there, and add up to what the chain paid', async () => {
    const settled = { settled: (await network.chain.epoch(0))!, payouts: await network.chain.payouts(0) };
    const { body } = await reader.call('epochReceipts', { params: { epoch: '0', page: '0' } });
    const all: SignedReceipt[] = body.receipts;
    const { serverKey } = core.context.options;
    const found = verifyEpoch(settled, all, serverKey.address);
    assert.deepEqual([found.receipts, found.accounts, body.pages], [all.length, 1, 1]);
    assert.equal(
      found.nanoNats,
      all.reduce((sum, { receipt }) => sum + BigInt(receipt.score), 0n),
    );
    assert.throws(
      () => verifyEpoch(settled, all.slice(1), serverKey.address),
      fails('EPOCH_RECEIPTS_DIFFER'),
    );
    assert.throws(
      () => verifyEpoch(settled, all.toReversed(), serverKey.address),
      fails('EPOCH_RECEIPTS_DIFFER'),
    );
    const paidMore = settled.payouts.map((one) => ({ ...one, scoreNanoNats: one.scoreNanoNats + 1n }));
    assert.throws(
      () => verifyEpoch({ ...settled, payouts: paidMore }, all, serverKey.address),
      fails('PAY_DIFFERS'),
    );
    const other = { ...settled.payouts[0]!, address: network.scorer.address, role: 'training' as const };
    assert.throws(
      () => verifyEpoch({ ...settled, payouts: [...settled.payouts, other] }, all, serverKey.address),
      fails('PAY_DIFFERS'),
    );
    for (const params of [
      { epoch: '0', page: '1' },
      { epoch: '7', page: '0' },
    ])
      assert.equal((await reader.call('epochReceipts', { params })).status, 404, JSON.stringify(params));
  });
});
