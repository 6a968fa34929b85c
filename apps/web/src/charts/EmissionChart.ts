/** @file The emission schedule up to the cap, with what the chain has really issued on it. */
import { MAX_SUPPLY_PLANCK, type NetworkStatus } from '@alice/protocol';
import type uPlot from 'uplot';
import { compact, tick } from '../format.js';
import { type ChartForm, ChartFrame } from './ChartFrame.js';
import { HALVING_PERIOD_MS, issuanceHistory, scheduledPlanck } from './emissionSchedule.js';
import { axis, colour } from './plotStyle.js';

export type EmissionSpan = 'schedule' | 'so far';

const PERIODS_SHOWN = 8;
const STEPS = 240;
const toAlice = (planck: bigint): number => Number(planck) / 1e12;

export class EmissionChart {
  readonly #frame: ChartFrame;
  #span: EmissionSpan = 'schedule';
  #status: NetworkStatus | undefined;
  #genesisMs: number | undefined;

  constructor(host: HTMLElement) {
    this.#frame = new ChartFrame(host, () => this.#form());
  }

  show(status: NetworkStatus, genesisMs: number | undefined): void {
    this.#status = status;
    this.#genesisMs = genesisMs ?? status.epochs[0]?.startedAtMs;
    this.#draw();
  }

  useSpan(span: EmissionSpan): void {
    this.#span = span;
    this.#draw();
    this.#frame.remake();
  }

  close(): void {
    this.#frame.close();
  }

  #draw(): void {
    if (this.#status && this.#genesisMs !== undefined)
      this.#frame.show(emissionSeries(this.#status, { genesisMs: this.#genesisMs, span: this.#span }));
  }

  #form(): ChartForm {
    const value = (_: unknown, v: number | null): string =>
      v === null || v === undefined ? '' : `${compact(v)} ALICE`;
    const isWhole = this.#span === 'schedule';
    return {
      scales: { x: { time: true }, y: { range: (_, _low, high) => [0, (high || 1) * 1.06] } },
      axes: [
        axis({ label: 'time' }),
        axis({ label: 'ALICE issued', size: 70, values: (_, ticks) => ticks.map(tick) }),
      ],
      series: [
        { label: 'time' },
        {
          label: 'schedule',
          stroke: colour('--soft'),
          width: 1.5,
          dash: [6, 5],
          points: { show: false },
          value,
        },
        {
          label: 'issued',
          stroke: colour('--accent'),
          width: 2.5,
          points: { show: true, size: isWhole ? 9 : 4, fill: colour('--accent') },
          value,
        },
        { label: 'cap', stroke: colour('--warn'), width: 1.5, show: isWhole, points: { show: false }, value },
      ],
      legend: { live: true },
      restAt: ([, , issued]) =>
        Math.max(
          0,
          issued!.findLastIndex((v) => v !== undefined && v !== null),
        ),
    };
  }
}

/** x in seconds; schedule, issued (only where known) and cap in ALICE. */
export function emissionSeries(
  status: NetworkStatus,
  { genesisMs, span }: { readonly genesisMs: number; readonly span: EmissionSpan },
): uPlot.AlignedData {
  const issued = new Map(issuanceHistory(status).map(({ atMs, planck }) => [atMs, planck]));
  const lengthMs =
    span === 'schedule'
      ? PERIODS_SHOWN * HALVING_PERIOD_MS
      : Math.max(60_000, status.serverTimeMs - genesisMs);
  // On the scale of years thousands of epochs are one dot.
  const known = span === 'schedule' ? [...issued.keys()].slice(-1) : [...issued.keys()];
  const grid = Array.from({ length: STEPS + 1 }, (_, i) => Math.round(genesisMs + (lengthMs * i) / STEPS));
  const times = [...new Set([...grid, ...known])].sort((a, b) => a - b);
  const genesisPlanck = BigInt(status.genesisIssuancePlanck);
  return [
    times.map((ms) => ms / 1000),
    times.map((ms) => toAlice(genesisPlanck + scheduledPlanck(ms - genesisMs))),
    times.map((ms) => (known.includes(ms) ? toAlice(issued.get(ms)!) : undefined)),
    times.map(() => toAlice(MAX_SUPPLY_PLANCK)),
  ];
}
