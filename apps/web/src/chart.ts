/** @file The curve that matters: held-out loss over tokens trained, with its noise band and the loss of uniform guessing. */
import type { NetworkStatus } from '@alice/protocol';
import uPlot from 'uplot';

const HEIGHT_PX = 320;

export class LossChart {
  readonly #host: HTMLElement;
  #plot: uPlot | undefined;

  constructor(host: HTMLElement) {
    this.#host = host;
    new ResizeObserver(() => this.#plot?.setSize({ width: host.clientWidth, height: HEIGHT_PX })).observe(
      host,
    );
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#reset());
  }

  show(status: NetworkStatus): void {
    const data = series(status);
    if (this.#plot) this.#plot.setData(data);
    else if (data[0].length > 0) this.#plot = new uPlot(this.#options(), data, this.#host);
  }

  #reset(): void {
    this.#plot?.destroy();
    this.#plot = undefined;
  }

  #options(): uPlot.Options {
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    const axis = {
      stroke: colour('--soft'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { stroke: colour('--line'), width: 1 },
    };
    const band = { stroke: 'transparent', points: { show: false } };
    return {
      width: this.#host.clientWidth,
      height: HEIGHT_PX,
      scales: { x: { time: false } },
      axes: [
        {
          ...axis,
          label: 'tokens trained on',
          values: (_, ticks) =>
            ticks.map((t) => (t >= 1e6 ? `${(t / 1e6).toFixed(1)}M` : `${Math.round(t / 1e3)}k`)),
        },
        { ...axis, label: 'nats per token' },
      ],
      series: [
        { label: 'tokens' },
        {
          label: 'held-out loss',
          stroke: colour('--accent'),
          width: 2.5,
          value: (_, v) => v?.toFixed(3) ?? '',
        },
        { ...band, label: 'high' },
        { ...band, label: 'low' },
        {
          label: 'uniform guessing',
          stroke: colour('--warn'),
          width: 1.5,
          dash: [6, 5],
          points: { show: false },
          value: (_, v) => v?.toFixed(3) ?? '',
        },
      ],
      bands: [{ series: [2, 3], fill: `${colour('--accent')}33` }],
      legend: { live: true },
    };
  }
}

/** x: tokens; then loss, loss ± 2 standard errors, uniform loss. */
function series(status: NetworkStatus): uPlot.AlignedData {
  const points = status.versions.filter((v) => v.heldOutLossNats !== null);
  const loss = points.map((v) => v.heldOutLossNats!);
  const spread = points.map((v) => 2 * (v.standardErrorNats ?? 0));
  return [
    points.map((v) => v.trainedTokens),
    loss,
    loss.map((l, i) => l + spread[i]!),
    loss.map((l, i) => l - spread[i]!),
    points.map(() => status.uniformLossNats),
  ];
}
