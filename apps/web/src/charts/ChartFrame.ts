/** @file Holds one uPlot: follows the width of its place and the colour scheme, and is made anew when its form changes. */
import uPlot from 'uplot';
import { CHART_HEIGHT_PX, onSchemeChange } from './plotStyle.js';

export interface ChartForm extends Omit<uPlot.Options, 'width' | 'height'> {
  /** Which point the legend describes while no pointer is on the chart; the last one unless given. */
  readonly restAt?: (data: uPlot.AlignedData) => number;
}

export class ChartFrame {
  readonly #host: HTMLElement;
  readonly #form: () => ChartForm;
  readonly #sizes: ResizeObserver;
  readonly #stopScheme: () => void;
  #plot: uPlot | undefined;
  #data: uPlot.AlignedData | undefined;

  /** `form` is asked for each time the chart is made, so it sees the colours of the moment. */
  constructor(host: HTMLElement, form: () => ChartForm) {
    this.#host = host;
    this.#form = form;
    this.#sizes = new ResizeObserver(() => this.#resize());
    this.#sizes.observe(host);
    this.#stopScheme = onSchemeChange(() => this.remake());
  }

  show(data: uPlot.AlignedData): void {
    this.#data = data;
    if (this.#plot) {
      this.#plot.setData(data);
      this.#rest();
    } else this.#make();
  }

  /** After a change of form or colours. */
  remake(): void {
    this.#plot?.destroy();
    this.#plot = undefined;
    this.#make();
  }

  close(): void {
    this.#sizes.disconnect();
    this.#stopScheme();
    this.#plot?.destroy();
  }

  #make(): void {
    const width = this.#host.clientWidth;
    if (!this.#data || this.#data[0].length === 0 || width === 0) return;
    const form = { ...this.#form(), hooks: { setCursor: [() => this.#rest()] } };
    this.#plot = new uPlot({ ...form, width, height: CHART_HEIGHT_PX }, this.#data, this.#host);
    this.#rest();
  }

  /** A legend without values reads as if something were missing. */
  #rest(): void {
    const [plot, data] = [this.#plot, this.#data];
    if (!plot || !data || (plot.cursor.left ?? -1) >= 0) return;
    plot.setLegend({ idx: this.#form().restAt?.(data) ?? data[0].length - 1 });
  }

  #resize(): void {
    if (this.#plot) this.#plot.setSize({ width: this.#host.clientWidth, height: CHART_HEIGHT_PX });
    else this.#make();
  }
}
