/** @file The curve that matters: held-out loss with its noise band and the loss of uniform guessing, always in view. */
import type { NetworkStatus } from '@alice/protocol';
import { compact, tick } from '../format.js';
import { type ChartForm, ChartFrame } from './ChartFrame.js';
import { type LossAxis, lossRange, lossSeries } from './lossSeries.js';
import { axis, colour } from './plotStyle.js';

export class LossChart {
  readonly #host: HTMLElement;
  readonly #frame: ChartFrame;
  #axis: LossAxis = 'tokens';
  #status: NetworkStatus | undefined;

  constructor(host: HTMLElement) {
    this.#host = host;
    this.#frame = new ChartFrame(host, () => this.#form());
  }

  show(status: NetworkStatus): void {
    this.#status = status;
    this.#frame.show(lossSeries(status, this.#axis));
    this.#host.setAttribute('aria-label', describe(status));
  }

  useAxis(axis: LossAxis): void {
    this.#axis = axis;
    if (!this.#status) return;
    this.#frame.show(lossSeries(this.#status, axis));
    this.#frame.remake();
  }

  close(): void {
    this.#frame.close();
  }

  #form(): ChartForm {
    const isTime = this.#axis === 'time';
    const value = (_: unknown, v: number | null): string => v?.toFixed(3) ?? '';
    const band = { stroke: 'transparent', points: { show: false } };
    return {
      scales: {
        x: { time: isTime },
        y: { range: (_, low, high) => lossRange(this.#status?.uniformLossNats ?? 0, low, high) },
      },
      axes: [
        isTime
          ? axis({ label: 'time' })
          : axis({ label: 'tokens trained on', values: (_, ticks) => ticks.map(tick) }),
        axis({ label: 'nats per token' }),
      ],
      series: [
        isTime ? { label: 'time' } : { label: 'tokens', value: (_, v) => (v === null ? '' : compact(v)) },
        { label: 'held-out loss', stroke: colour('--accent'), width: 2.5, value },
        { ...band, label: 'high' },
        { ...band, label: 'low' },
        {
          label: 'uniform guessing',
          stroke: colour('--warn'),
          width: 1.5,
          dash: [6, 5],
          points: { show: false },
          value,
        },
      ],
      bands: [{ series: [2, 3], fill: `${colour('--accent')}33` }],
      legend: { live: true },
    };
  }
}

/** The chart in one sentence, for those who cannot see it. */
function describe(status: NetworkStatus): string {
  const scored = status.versions.filter((v) => v.heldOutLossNats !== null);
  const [first, last] = [scored[0], scored.at(-1)];
  if (!first || !last) return 'Held-out loss: not measured yet';
  return `Held-out loss fell from ${first.heldOutLossNats!.toFixed(3)} nats at version ${first.version} to ${last.heldOutLossNats!.toFixed(3)} at version ${last.version}; uniform guessing costs ${status.uniformLossNats.toFixed(3)}. All versions are on the model page.`;
}
