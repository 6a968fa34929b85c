/** @file Plots of an experiment as SVG text: lines over a linear or logarithmic axis, or grouped bars. No dependencies. */
import type { Line, Plot } from '../experiments/Experiment.js';

const COLORS = ['#2563eb', '#dc2626', '#059669', '#d97706', '#7c3aed', '#0891b2', '#be185d', '#4b5563'];
const WIDTH = 760;
const PAD = { left: 64, right: 190, top: 40, bottom: 48 };

export function svgOf(plot: Plot): string {
  return plot.kind === 'bars' ? barsOf(plot) : linesOf(plot);
}

function linesOf(plot: Extract<Plot, { kind: 'lines' }>): string {
  const height = 420;
  const scaleX = plot.logX ? Math.log10 : (x: number) => x;
  const lines: Line[] = plot.lines.map((line) => ({
    ...line,
    points: line.points.filter(([x]) => !plot.logX || x > 0),
  }));
  const all = lines.flatMap(({ points }) => points);
  const x = axis(
    all.map(([value]) => scaleX(value)),
    [PAD.left, WIDTH - PAD.right],
  );
  const y = axis(
    all.map(([, value]) => value),
    [height - PAD.bottom, PAD.top],
  );
  const body = lines.map(({ label, points }, i) => {
    const color = COLORS[i % COLORS.length]!;
    const path = points.map(([a, b]) => `${round(x.at(scaleX(a)))},${round(y.at(b))}`).join(' ');
    return `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="1.8"/>${legend(label, i, color)}`;
  });
  const ticks = [
    ...x.ticks.map((t) => tickX(x.at(t), height, plot.logX ? short(10 ** t) : short(t))),
    ...y.ticks.map((t) => tickY(y.at(t), short(t))),
  ];
  const names =
    text((PAD.left + WIDTH - PAD.right) / 2, height - 12, plot.x, 'middle') +
    `<text x="14" y="${height / 2}" text-anchor="middle" transform="rotate(-90 14 ${height / 2})">${escaped(plot.y)}</text>`;
  return frame(height, plot.title, [...ticks, ...body, names]);
}

function barsOf(plot: Extract<Plot, { kind: 'bars' }>): string {
  const series = [...new Set(plot.bars.flatMap(({ values }) => values.map((v) => v.series)))];
  const step = 10 * series.length + 8;
  const height = PAD.top + PAD.bottom + step * plot.bars.length;
  const left = 150;
  const most = Math.max(
    1,
    plot.mark ?? 0,
    ...plot.bars.flatMap(({ values }) => values.map(({ value }) => value)),
  );
  const at = (value: number): number => left + (Math.max(0, value) / most) * (WIDTH - PAD.right - left);
  const body = plot.bars.flatMap(({ label, values }, i) => {
    const top = PAD.top + i * step;
    return [
      text(left - 6, top + step / 2, label, 'end'),
      ...values.map(({ series: name, value }) => {
        const n = series.indexOf(name);
        const y = top + n * 10;
        const bar = `<rect x="${left}" y="${y}" width="${round(at(value) - left)}" height="9" fill="${COLORS[n]!}"/>`;
        return bar + text(at(value) + 4, y + 8, `${value.toFixed(2)}${plot.unit}`);
      }),
    ];
  });
  const mark =
    plot.mark === undefined ? [] : [rule(at(plot.mark), PAD.top, at(plot.mark), height - PAD.bottom, '#111')];
  return frame(height, plot.title, [
    ...mark,
    ...body,
    ...series.map((name, i) => legend(name, i, COLORS[i]!)),
  ]);
}

interface Axis {
  at(value: number): number;
  readonly ticks: readonly number[];
}

function axis(values: readonly number[], [from, to]: readonly [number, number]): Axis {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const span = high - low || 1;
  const step = niceStep(span / 5);
  const ticks: number[] = [];
  for (let t = Math.ceil(low / step) * step; t <= high + 1e-9; t += step)
    ticks.push(Number(t.toPrecision(12)));
  return { at: (value) => from + ((value - low) / span) * (to - from), ticks };
}

function niceStep(raw: number): number {
  const power = 10 ** Math.floor(Math.log10(raw));
  return ([1, 2, 5, 10].find((factor) => factor * power >= raw) ?? 10) * power;
}

function frame(height: number, title: string, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="#fff"/>
<text x="${PAD.left}" y="22" font-size="14">${escaped(title)}</text>
${parts.join('\n')}
</svg>
`;
}

const tickX = (x: number, height: number, label: string): string =>
  rule(x, PAD.top, x, height - PAD.bottom, '#e5e7eb') + text(x, height - PAD.bottom + 14, label, 'middle');
const tickY = (y: number, label: string): string =>
  rule(PAD.left, y, WIDTH - PAD.right, y, '#e5e7eb') + text(PAD.left - 6, y + 4, label, 'end');
const legend = (label: string, i: number, color: string): string =>
  `<rect x="${WIDTH - PAD.right + 12}" y="${PAD.top + 16 * i}" width="10" height="10" fill="${color}"/>` +
  text(WIDTH - PAD.right + 27, PAD.top + 16 * i + 9, label);
const rule = (x1: number, y1: number, x2: number, y2: number, color: string): string =>
  `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${color}"/>`;
const text = (x: number, y: number, value: string, anchor = 'start'): string =>
  `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${escaped(value)}</text>`;
const round = (value: number): number => Math.round(value * 10) / 10;
const escaped = (value: string): string =>
  value.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

function short(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${Number((value / 1e9).toPrecision(3))}G`;
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(3))}k`;
  return String(Number(value.toPrecision(4)));
}
