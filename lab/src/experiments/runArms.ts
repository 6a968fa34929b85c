/**
 * @file Runs the arms of an experiment one after another and writes each round to the CSV as it ends. An arm whose rounds
 * are all there is not run again, so an interrupted experiment goes on where it was. Warm-ups are shared.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { runDense } from '../network/denseBaseline.js';
import { LabNetwork } from '../network/LabNetwork.js';
import { type Laboratory, openLaboratory } from '../network/Laboratory.js';
import type { LabSubmission, NetworkState, RoundReport } from '../network/records.js';
import { isReported, type LabSettings } from '../network/settings.js';
import type { ArmPlace } from '../report/armLine.js';
import { parseCsv, toCsv } from '../report/csv.js';
import type { Arm, RoundRow } from './Experiment.js';

/** Rows of an arm that is still running are written this often, so that it can be looked at. */
const SAVE_EVERY_MS = 20_000;

export interface ArmRunner {
  readonly file: string;
  readonly say: (line: string) => void;
  /** Told after each round that is noted. */
  readonly onRound?: ((place: ArmPlace) => void) | undefined;
  /** Arms already in the file are run again. */
  readonly fresh?: boolean;
  /** Only arms whose id, with a slash at its end, contains one of these; the rows of others stay as they are. */
  readonly only?: readonly string[] | undefined;
}

export async function runArms(
  arms: readonly Arm[],
  { file, say, fresh, only, onRound }: ArmRunner,
): Promise<RoundRow[]> {
  const isAsked = ({ id }: { id: string }): boolean => !only || only.some((part) => `${id}/`.includes(part));
  const stored = existsSync(file) ? parseCsv(readFileSync(file, 'utf8')) : [];
  let rows = fresh ? stored.filter(({ arm: id }) => !isAsked({ id })) : stored;
  const shared = new SharedWork();
  try {
    for (const [i, arm] of arms.entries()) {
      if (!isAsked(arm) || isComplete(arm, rows)) continue;
      const startMs = performance.now();
      const own: RoundRow[] = [];
      let savedMs = startMs;
      const save = (): void => {
        rows = [...rows.filter((row) => row.arm !== arm.id), ...own];
        writeFileSync(file, toCsv(inOrder(rows, arms)));
        savedMs = performance.now();
      };
      await runArm(arm, shared, (row) => {
        own.push(row);
        const { id, rounds } = arm;
        onRound?.({ arm: i + 1, arms: arms.length, id, round: row.round + 1, rounds });
        if (performance.now() - savedMs > SAVE_EVERY_MS) save();
      });
      save();
      const last = own.at(-1)!;
      const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
      say(
        `${i + 1}/${arms.length} ${arm.id.padEnd(28)} loss ${last.lossNats.toFixed(4)}  ${last.refusals}  ${seconds} s`,
      );
    }
  } finally {
    await shared.dispose();
  }
  return inOrder(rows, arms);
}

/** All its points are there; an arm that was interrupted is run again from its start. */
function isComplete({ id, rounds, settings }: Arm, rows: readonly RoundRow[]): boolean {
  return rows.filter(({ arm }) => arm === id).length >= Math.floor(rounds / settings.reportEvery);
}

/** The rows of these arms, in the order of the arms, however often the file was interrupted or mended. */
function inOrder(rows: readonly RoundRow[], arms: readonly Arm[]): RoundRow[] {
  return arms.flatMap(({ id }) => rows.filter(({ arm }) => arm === id));
}

/** Laboratories and warm-ups that arms have in common. */
class SharedWork {
  readonly #laboratories = new Map<string, Laboratory>();
  readonly #warm = new Map<string, NetworkState>();

  async laboratory(settings: LabSettings): Promise<Laboratory> {
    const { model, training, threads, shardsPerTask } = settings;
    const { optimizer, rowsPerStep, sequenceLength, weightDecay } = training;
    const key = JSON.stringify([
      model,
      threads,
      shardsPerTask,
      optimizer,
      rowsPerStep,
      sequenceLength,
      weightDecay,
    ]);
    let lab = this.#laboratories.get(key);
    if (!lab) {
      lab = await openLaboratory(settings);
      this.#laboratories.set(key, lab);
    }
    return lab;
  }

  async warmState({ settings, warmup }: Arm): Promise<NetworkState | undefined> {
    if (!warmup) return undefined;
    const ids = warmup.participants.map(({ id }) => id);
    const key = JSON.stringify([settings, ids, warmup.rounds]);
    let state = this.#warm.get(key);
    if (!state) {
      const network = new LabNetwork(await this.laboratory(settings), settings, warmup.participants);
      for (let round = 0; round < warmup.rounds; round++) await network.runRound();
      state = network.exportState();
      this.#warm.set(key, state);
    }
    return state;
  }

  async dispose(): Promise<void> {
    for (const lab of this.#laboratories.values()) await lab.dispose();
  }
}

async function runArm(arm: Arm, shared: SharedWork, onRow: (row: RoundRow) => void): Promise<void> {
  const lab = await shared.laboratory(arm.settings);
  if (arm.scheme === 'dense') return runDense(arm, lab, onRow);
  const network = new LabNetwork(lab, arm.settings, arm.participants, await shared.warmState(arm));
  for (let round = 0; round < arm.rounds; round++) {
    const report = await network.runRound();
    if (isReported(arm.settings, round)) onRow(rowOf(arm.id, report));
  }
}

function rowOf(arm: string, report: RoundReport): RoundRow {
  const { submissions } = report;
  const honest = submissions.filter(({ participant }) => participant.behaviour.isHonest);
  const hostile = submissions.filter(({ participant }) => !participant.behaviour.isHonest);
  const accepted = (list: readonly LabSubmission[]): number =>
    list.filter(({ code }) => code === null).length;
  const steps = (list: readonly LabSubmission[]): number =>
    list.reduce((sum, { contribution }) => sum + contribution.doneSteps, 0);
  const paid = (list: readonly LabSubmission[]): number =>
    list.reduce((sum, { paidNats }) => sum + paidNats, 0);
  return {
    arm,
    round: report.round,
    lossNats: report.lossNats,
    tokens: report.tokens,
    uplinkBytes: report.uplinkBytes,
    applied: Number(report.applied),
    honestSent: honest.length,
    honestAccepted: accepted(honest),
    honestSteps: steps(honest),
    honestPaidNats: paid(honest),
    hostileSent: hostile.length,
    hostileAccepted: accepted(hostile),
    hostileSteps: steps(hostile),
    hostilePaidNats: paid(hostile),
    honestCovered: coveredOf(honest),
    hostileCovered: coveredOf(hostile),
    refusals: refusalsOf(submissions),
    stateRoot: report.stateRoot,
  };
}

function coveredOf(submissions: readonly LabSubmission[]): string {
  return submissions.flatMap(({ covered }) => (covered === undefined ? [] : [covered.toFixed(2)])).join(' ');
}

/** `CODE:count` of honest (h) and hostile (x) submissions. */
function refusalsOf(submissions: readonly LabSubmission[]): string {
  const counts = new Map<string, number>();
  for (const { code, participant } of submissions)
    if (code !== null) {
      const name = `${participant.behaviour.isHonest ? 'h' : 'x'} ${code}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  return [...counts].map(([name, count]) => `${name}:${count}`).join(' ');
}
