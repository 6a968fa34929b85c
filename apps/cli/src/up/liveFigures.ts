/**
 * @file What stands still at the bottom of the terminal while `alice up` works: how the model does and how fast, who is at
 * work, what the chain does and when it pays next. Pure: status in, lines out.
 */
import type { NetworkStatus } from '@alice/protocol';
import pc from 'picocolors';
import { timeText } from '../progressBar.js';
import { compact, shortAlice } from './terminalView.js';

export interface LiveFiguresOptions {
  readonly epochSeconds: number;
  /** By this clock, which is the server's: both are on one machine. */
  readonly nowMs: number;
}

const SPARKS = '▁▂▃▄▅▆▇█';
const SPARK_POINTS = 20;
/** Speed is that of the newest versions, as many as this. */
const RATE_VERSIONS = 6;
/** Who sent word within this time is at work, as on the status page. */
const RECENT_MS = 120_000;
const BAR = 12;

export function liveFigures(status: NetworkStatus, options: LiveFiguresOptions): string[] {
  return [
    '',
    row('model', modelText(status)),
    row('work', workText(status, options)),
    row('chain', chainText(status, options)),
  ];
}

const row = (name: string, text: string): string => `  ${pc.dim(name.padEnd(6))} ${text}`;

function modelText(status: NetworkStatus): string {
  const losses = status.versions.flatMap(({ heldOutLossNats }) => heldOutLossNats ?? []);
  const [loss, version] = [losses.at(-1), status.versions.at(-1)?.version];
  if (loss === undefined || version === undefined) return 'the first version is being measured';
  const speed = tokensPerSecond(status);
  const rate = speed === undefined ? '' : `  ${compact(Math.round(speed))} tokens/s`;
  return `version ${version}  loss ${pc.bold(loss.toFixed(3))} nats  ${pc.green(spark(losses))}${rate}`;
}

/** Losses as a row of bars: the highest and the lowest of all that are shown set the scale. */
export function spark(values: readonly number[]): string {
  const at = (i: number): number => values[Math.round((i * (values.length - 1)) / (SPARK_POINTS - 1))]!;
  const shown =
    values.length <= SPARK_POINTS ? [...values] : Array.from({ length: SPARK_POINTS }, (_, i) => at(i));
  const [low, high] = [Math.min(...shown), Math.max(...shown)];
  const step = (value: number): number =>
    Math.round(((value - low) / (high - low || 1)) * (SPARKS.length - 1));
  return shown.map((value) => SPARKS[step(value)]).join('');
}

function tokensPerSecond({ versions }: NetworkStatus): number | undefined {
  const recent = versions.slice(-RATE_VERSIONS);
  const [first, last] = [recent[0], recent.at(-1)];
  if (!first || !last || first.version === last.version) return undefined;
  const ms = last.createdAtMs - first.createdAtMs;
  return ms > 0 ? (1000 * (last.trainedTokens - first.trainedTokens)) / ms : undefined;
}

function workText({ miners, submissions }: NetworkStatus, { nowMs }: LiveFiguresOptions): string {
  const all = miners.filter(({ role, device }) => role === 'miner' && !/reads the model only$/.test(device));
  const busy = all.filter(({ lastSeenMs }) => nowMs - lastSeenMs < RECENT_MS);
  const refused = Object.values(submissions.refused).reduce((sum, count) => sum + count, 0);
  return `${busy.length} of ${all.length} miners at work  updates: ${pc.green(`${submissions.accepted} accepted`)}, ${refused} refused, ${submissions.queued} waiting`;
}

function chainText(status: NetworkStatus, { epochSeconds, nowMs }: LiveFiguresOptions): string {
  const { chain, epochs, versions, totalIssuancePlanck } = status;
  if (!chain.reachable) return pc.yellow('the chain does not answer; epochs are kept and reported later');
  const sinceMs = epochs.at(-1)?.endedAtMs ?? versions[0]?.createdAtMs;
  const part = sinceMs === undefined ? 0 : Math.min(1, (nowMs - sinceMs) / (1000 * epochSeconds));
  const filled = Math.round(part * BAR);
  const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)}`;
  const epoch = (epochs.at(-1)?.epoch ?? -1) + 1;
  const when = part < 1 ? `pays in ${timeText((1 - part) * epochSeconds)}` : 'pays once work is verified';
  return `block ${chain.height}  epoch ${epoch} ${bar} ${when}  ${shortAlice(totalIssuancePlanck)} ALICE issued`;
}
