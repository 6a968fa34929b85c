/**
 * @file The whole training protocol in one process, on a virtual clock: tasks, training, faults, examination, work tests,
 * pay, aggregation, merge gate, publication. Deterministic: same settings and participants, same state roots.
 */
import { createHash } from 'node:crypto';
import { initParameters } from '@alice/model';
import { fromHalves, type SparseDelta, seededRandom, stateRoot } from '@alice/protocol';
import {
  coveredShares,
  decideMerge,
  outerStep,
  type PublishedUpdate,
  publishedUpdate,
  publishHalves,
  StreamingAggregator,
  type TrainingSettings,
  vouchedTokens,
  workShares,
} from '@alice/training';
import type { Contribution, Turn } from './behaviour.js';
import { Earlier } from './Earlier.js';
import { Examiner, type Measure, WITHIN_NOISE } from './Examiner.js';
import type { Laboratory } from './Laboratory.js';
import { Ledger } from './Ledger.js';
import { overTheWire } from './overTheWire.js';
import type { Participant } from './Participant.js';
import type { LabSubmission, NetworkState, RoundReport } from './records.js';
import { isReported, type LabSettings } from './settings.js';
import { Worker } from './Worker.js';

/** Versions kept for comparing with published updates, and for cheats to send again. */
const KEPT_VERSIONS = 4;
/** Virtual: a task's window. */
export const WINDOW_MS = 60_000;
const UPLOAD_MS = 5_000;

export class LabNetwork {
  readonly examiner: Examiner;
  readonly #lab: Laboratory;
  readonly #settings: LabSettings;
  readonly #participants: readonly Participant[];
  readonly #workers = new Map<string, Worker>();
  readonly #freshOptimizer: Uint8Array;
  #ledger = new Ledger();
  #master: Float32Array;
  #earlier: Float32Array[] = [];
  #round = 0;
  #version = 0;
  #tokens = 0;
  #uplinkBytes = 0;
  #lossNats = Number.NaN;
  #late: LabSubmission[] = [];

  constructor(
    lab: Laboratory,
    settings: LabSettings,
    participants: readonly Participant[],
    from?: NetworkState,
  ) {
    this.#lab = lab;
    this.#settings = settings;
    this.#participants = participants;
    this.#freshOptimizer = freshStateOf(lab);
    this.examiner = new Examiner(lab, settings);
    this.#master = fromHalves(publishHalves(initParameters(settings.model, settings.seed)));
    if (from) this.#resume(from);
  }

  #resume(from: NetworkState): void {
    this.#master = from.master.slice();
    this.#earlier = [...from.earlier];
    this.#round = from.round;
    this.#version = from.version;
    this.#tokens = from.tokens;
    this.#uplinkBytes = from.uplinkBytes;
    this.#ledger = from.ledger.copy();
    for (const [id, state] of from.workers) this.#workerOf(id).importState(state);
  }

  /** Everything another run needs to go on from here. */
  exportState(): NetworkState {
    return {
      master: this.#master.slice(),
      earlier: [...this.#earlier],
      round: this.#round,
      version: this.#version,
      tokens: this.#tokens,
      uplinkBytes: this.#uplinkBytes,
      workers: new Map([...this.#workers].map(([id, worker]) => [id, worker.exportState()])),
      ledger: this.#ledger.copy(),
    };
  }

  /** One round, from tasks to the published version. */
  async runRound(): Promise<RoundReport> {
    const base = fromHalves(publishHalves(this.#master));
    const measure: Measure = {
      round: this.#round,
      parameters: base.slice(),
      published: this.#publishedUpdates(base),
    };
    const arrived = await this.#collect(base);
    await this.#examine(arrived, measure);
    if (this.#settings.policy === 'work') await this.#probe(arrived, measure);
    const { applied, lossNats, root } = await this.#fold(arrived, base);
    if (applied) this.#ledger.pay(arrived, this.#settings.training, this.#settings.policy);
    this.#settle(arrived);
    const report = {
      round: this.#round++,
      version: this.#version,
      applied,
      lossNats,
      tokens: this.#tokens,
      uplinkBytes: this.#uplinkBytes,
      submissions: arrived,
      stateRoot: root,
    };
    return report;
  }

  #workerOf(id: string): Worker {
    let worker = this.#workers.get(id);
    if (!worker) {
      worker = new Worker(this.#lab, this.#settings, this.#freshOptimizer);
      this.#workers.set(id, worker);
    }
    return worker;
  }

  #publishedUpdates(base: Float32Array): PublishedUpdate[] {
    const versions = [base, ...this.#earlier];
    return versions.slice(0, -1).map((to, i) => publishedUpdate(versions[i + 1]!, to));
  }

  /** Submissions that arrive in this round, in order of arrival: late ones of the last round among them. */
  async #collect(base: Float32Array): Promise<LabSubmission[]> {
    const present = this.#participants.filter(
      ({ joinsAt = 0, leavesAt = Number.POSITIVE_INFINITY }) =>
        joinsAt <= this.#round && this.#round < leavesAt,
    );
    const busy = new Set(this.#late.map(({ participant }) => participant.id));
    const sent: LabSubmission[] = [];
    const seen: SparseDelta[] = [];
    const shared = new Map<string, SparseDelta>();
    const members = new Map<string, number>();
    // And acts last.
    const order = [...present].sort((a, b) => Number(b.behaviour.isHonest) - Number(a.behaviour.isHonest));
    for (const participant of order) {
      const { name } = participant.behaviour;
      const member = members.get(name) ?? 0;
      members.set(name, member + 1);
      if (busy.has(participant.id)) continue;
      const submission = await this.#turn(participant, { base, seen, shared, member });
      if (!submission) continue;
      if (participant.behaviour.isHonest) seen.push(submission.contribution.delta);
      sent.push(submission);
    }
    const arrived = [...this.#late, ...sent.filter(({ arrivalMs }) => arrivalMs <= WINDOW_MS + UPLOAD_MS)];
    this.#late = sent.filter(({ arrivalMs }) => arrivalMs > WINDOW_MS + UPLOAD_MS);
    return arrived.sort((a, b) => a.round - b.round || a.arrivalMs - b.arrivalMs);
  }

  async #turn(
    participant: Participant,
    { base, seen, shared, member }: Pick<Turn, 'base' | 'seen' | 'shared' | 'member'>,
  ): Promise<LabSubmission | undefined> {
    const { seed, training } = this.#settings;
    const random = seededRandom(JSON.stringify(['turn', seed, participant.id, this.#round]));
    const steps = Math.max(
      1,
      Math.min(training.innerSteps, participant.stepsPerWindow ?? training.innerSteps),
    );
    const worker = this.#workerOf(participant.id);
    const task = {
      seed,
      miner: participant.id,
      round: this.#round,
      rows: training.innerSteps * training.rowsPerStep,
    };
    const rows = await this.#lab.taskRows(task);
    const contribution = await participant.behaviour.act({
      settings: this.#settings,
      layout: this.#lab.layout,
      round: this.#round,
      member,
      base,
      earlier: this.#earlier,
      rows,
      steps,
      firstStep: this.#version * training.innerSteps,
      worker,
      seen,
      shared,
      random,
      otherRows: () => this.#lab.taskRows({ ...task, miner: `${participant.id}/elsewhere` }),
      heldOutRows: () =>
        this.#lab.sample('validation', task.rows, `${seed}/guess/${participant.id}/${this.#round}`),
    });
    if (!contribution) return undefined;
    if (random.unit() < (participant.lossRate ?? 0)) {
      participant.behaviour.refused?.({ worker }, contribution.delta);
      return undefined; // lost on the way: the miner hears nothing of a receipt and keeps the work in its residual
    }
    const late = random.unit() < (participant.lateRate ?? 0);
    const { delta, ...received } = await overTheWire(contribution, {
      settings: this.#settings,
      layout: this.#lab.layout,
      version: this.#version,
    });
    // Who looks at others sends last.
    const uploadMs = random.below(UPLOAD_MS / 2) + (participant.behaviour.isHonest ? 0 : UPLOAD_MS / 2);
    const speed = participant.stepsPerWindow ?? training.innerSteps;
    return {
      participant,
      round: this.#round,
      version: this.#version,
      rows,
      contribution: { ...contribution, delta },
      ...received,
      arrivalMs: (WINDOW_MS * steps) / speed + uploadMs + (late ? WINDOW_MS : 0),
      gainNats: 0,
      isUndecided: false,
      flat: undefined,
      lean: undefined,
      gaps: undefined,
      covered: undefined,
      paidNats: 0,
    };
  }

  async #examine(arrived: readonly LabSubmission[], measure: Measure): Promise<void> {
    const earlier = new Earlier(this.#settings.seed);
    for (const submission of arrived) {
      if (submission.code !== null) continue;
      if (submission.version < this.#version - 1) {
        submission.code = 'STALE_VERSION';
        continue;
      }
      const known = { earlier, updatesSinceBase: this.#version - submission.version };
      Object.assign(submission, await this.examiner.examine(submission.contribution.delta, known, measure));
      if (submission.flat) earlier.add(submission.flat);
    }
  }

  /** Probes what the gate let through, and refuses what shows too little work. */
  async #probe(arrived: readonly LabSubmission[], measure: Measure): Promise<void> {
    const passed = arrived.filter(({ code }) => code === null);
    for (const submission of passed) {
      const { rows, contribution, flat, participant } = submission;
      const steps = Math.min(contribution.claimedSteps, this.#settings.training.innerSteps);
      submission.gaps = await this.examiner.probe({ flat: flat!, rows, steps, id: participant.id }, measure);
    }
    const round = passed.map(({ gaps }) => gaps!);
    const covered = coveredShares(round, this.#settings.training.work);
    for (const [i, submission] of passed.entries()) {
      submission.covered = covered[i];
      if (submission.covered === undefined && submission.isUndecided) submission.code = WITHIN_NOISE;
      if (vouchedTokens(1, submission.covered) === 0) submission.code = 'TOO_LITTLE_WORK';
    }
  }

  /** Aggregates what is accepted and publishes it when the merge gate lets it. */
  async #fold(arrived: readonly LabSubmission[], base: Float32Array) {
    const { training, policy } = this.#settings;
    const rows = await this.#lab.sample(
      'validation',
      training.mergeRows + this.#settings.reportRows,
      `${this.#settings.seed}/report`,
    );
    const cut = training.mergeRows * this.#lab.rowLength;
    const merge = rows.subarray(0, cut);
    const accepted = arrived.filter(({ code }) => code === null);
    const { aggregation: rule, clipToMedianNorm: clip, aggregationGroups: groups } = training;
    const aggregator = new StreamingAggregator(this.#lab.layout, { rule, clip, groups });
    const weights = weightsOf(accepted, training);
    for (const [i, { contribution }] of accepted.entries())
      aggregator.add({ delta: contribution.delta, weight: weights[i]! });
    const candidate = this.#master.slice();
    outerStep({ master: candidate, delta: aggregator.aggregate(), learningRate: training.outerLearningRate });
    const after = fromHalves(publishHalves(candidate));
    const { lossFunction, scored } = this.#lab;
    // The candidate of one round is the base of the next: measured once.
    const lossesOf = (weights: Float32Array) =>
      scored.of(['merge', weights, merge], () => lossFunction.run(weights, merge));
    let applied = accepted.length > 0;
    if (applied && policy !== 'none')
      applied =
        decideMerge(await lossesOf(base), await lossesOf(after), training.mergeGate).verdict === 'apply';
    this.#uplinkBytes += arrived.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    if (applied) {
      this.#earlier = [base, ...this.#earlier].slice(0, KEPT_VERSIONS);
      this.#master = candidate;
      this.#version++;
      this.#tokens += accepted.reduce((sum, { contribution }) => sum + this.tokensOf(contribution), 0);
    }
    const published = applied ? after : base;
    const report = rows.subarray(cut);
    if (isReported(this.#settings, this.#round)) {
      const losses = await scored.of(['report', published, report], () =>
        lossFunction.run(published, report),
      );
      this.#lossNats = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
    }
    return {
      applied,
      lossNats: this.#lossNats,
      root: stateRoot(publishHalves(this.#master), this.#lab.layout, nodeSha256),
    };
  }

  /** Tokens really trained on. */
  tokensOf({ doneSteps }: Contribution): number {
    const { rowsPerStep, sequenceLength } = this.#settings.training;
    return doneSteps * rowsPerStep * sequenceLength;
  }

  #settle(arrived: readonly LabSubmission[]): void {
    for (const { code, participant, contribution } of arrived)
      if (code !== null)
        participant.behaviour.refused?.({ worker: this.#workerOf(participant.id) }, contribution.delta);
  }
}

/** What the server weighs with: gains, or the tokens that the work tests vouch for. */
function weightsOf(accepted: readonly LabSubmission[], { aggregation, work }: TrainingSettings): number[] {
  if (aggregation === 'mean-by-work')
    return workShares(
      accepted.map(({ contribution, covered }) => vouchedTokens(contribution.claimedSteps, covered, work)),
    );
  const best = Math.max(...accepted.map(({ gainNats }) => gainNats), Number.MIN_VALUE);
  return accepted.map(({ gainNats }) => Math.max(1e-6, gainNats / best));
}

/** OpenSSL's: many times faster than the portable one. */
const nodeSha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

/** The state of an optimiser that has done nothing: read once, before any worker used it. */
const freshStates = new WeakMap<Laboratory, Uint8Array>();
function freshStateOf(lab: Laboratory): Uint8Array {
  let state = freshStates.get(lab);
  if (!state) {
    state = lab.optimizer.exportState();
    freshStates.set(lab, state);
  }
  return state;
}
