/** @file The loss curve as an SVG picture: each step's loss faintly, its running mean, and the held-out losses. */
import type { LossRow } from './lossRecord.js';

const SIZE = { width: 800, height: 440, left: 56, right: 20, top: 44, bottom: 48 };
const COLOURS = { step: '#9db8dd', mean: '#1f5fb4', heldOut: '#c2410c', uniform: '#888888' };
/** Steps of the running mean, as a share of all. */
const MEAN_SHARE = 0.02;
/** More points than pixels help nobody. */
const MAX_POINTS = 1600;

interface Point {
  readonly x: number;
  readonly y: number;
}

/** The picture's text. `uniformNats`: the loss of guessing uniformly, drawn as the line to beat. */
export function lossPlot(rows: readonly LossRow[], about: { title: string; uniformNats: number }): string {
  const steps = rows
    .filter(({ lossNats }) => Number.isFinite(lossNats))
    .map((r) => ({ x: r.step, y: r.lossNats }));
  const heldOut = rows.flatMap((r) => (r.heldOutNats === undefined ? [] : [{ x: r.step, y: r.heldOutNats }]));
  const scale = scaleOf([...steps, ...heldOut], about.uniformNats);
  const line = (points: readonly Point[], colour: string, width: number): string =>
    `<polyline fill="none" stroke="${colour}" stroke-width="${width}" points="${thinned(points)
      .map(({ x, y }) => `${scale.x(x).toFixed(1)},${scale.y(y).toFixed(1)}`)
      .join(' ')}"/>`;
  const dots = heldOut.map(
    ({ x, y }) =>
      `<circle cx="${scale.x(x).toFixed(1)}" cy="${scale.y(y).toFixed(1)}" r="3" fill="${COLOURS.heldOut}"/>`,
  );
  const uniform = scale.y(about.uniformNats).toFixed(1);
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE.width} ${SIZE.height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${SIZE.width}" height="${SIZE.height}" fill="#ffffff"/>`,
    `<text x="${SIZE.left}" y="20" font-size="14">${escaped(about.title)}</text>`,
    ...axes(scale),
    `<line x1="${SIZE.left}" x2="${SIZE.width - SIZE.right}" y1="${uniform}" y2="${uniform}" stroke="${COLOURS.uniform}" stroke-dasharray="4 4"/>`,
    line(steps, COLOURS.step, 1),
    line(runningMean(steps), COLOURS.mean, 2),
    line(heldOut, COLOURS.heldOut, 1.5),
    ...dots,
    ...legend(),
    '</svg>',
  ].join('\n')}\n`;
}

interface Scale {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  readonly xTicks: readonly number[];
  readonly yTicks: readonly number[];
}

function scaleOf(points: readonly Point[], uniformNats: number): Scale {
  const ys = [...points.map(({ y }) => y), uniformNats];
  const yTicks = ticks(
    ys.reduce((a, b) => Math.min(a, b)),
    ys.reduce((a, b) => Math.max(a, b)),
  );
  const xTicks = ticks(
    0,
    points.reduce((last, { x }) => Math.max(last, x), 1),
  );
  const map = (range: readonly number[], from: number, to: number) => (value: number) =>
    from + ((value - range[0]!) / (range.at(-1)! - range[0]!)) * (to - from);
  return {
    x: map(xTicks, SIZE.left, SIZE.width - SIZE.right),
    y: map(yTicks, SIZE.height - SIZE.bottom, SIZE.top),
    ...{ xTicks, yTicks },
  };
}

/** Round numbers that enclose [low, high], about six of them. */
function ticks(low: number, high: number): number[] {
  const raw = Math.max(high - low, 1e-9) / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= raw)!;
  const first = Math.floor(low / step);
  const count = Math.max(1, Math.ceil(high / step) - first);
  return Array.from({ length: count + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function axes({ x, y, xTicks, yTicks }: Scale): string[] {
  const bottom = SIZE.height - SIZE.bottom;
  const grid = yTicks.map((tick) => {
    const at = y(tick).toFixed(1);
    return `<line x1="${SIZE.left}" x2="${SIZE.width - SIZE.right}" y1="${at}" y2="${at}" stroke="#e5e5e5"/><text x="${SIZE.left - 8}" y="${at}" dy="4" text-anchor="end">${tick}</text>`;
  });
  const marks = xTicks.map(
    (tick) => `<text x="${x(tick).toFixed(1)}" y="${bottom + 18}" text-anchor="middle">${tick}</text>`,
  );
  const middle = (SIZE.left + SIZE.width - SIZE.right) / 2;
  return [
    ...grid,
    ...marks,
    `<text x="${middle}" y="${SIZE.height - 10}" text-anchor="middle">step</text>`,
    `<text x="14" y="${SIZE.height / 2}" text-anchor="middle" transform="rotate(-90 14 ${SIZE.height / 2})">loss, nats per token</text>`,
  ];
}

function legend(): string[] {
  const entries = [
    ['each step', COLOURS.step],
    ['running mean', COLOURS.mean],
    ['held out', COLOURS.heldOut],
    ['uniform guessing', COLOURS.uniform],
  ] as const;
  return entries.map(([label, colour], i) => {
    const x = SIZE.left + i * 140;
    return `<rect x="${x}" y="28" width="12" height="4" fill="${colour}"/><text x="${x + 18}" y="34">${label}</text>`;
  });
}

function runningMean(points: readonly Point[]): Point[] {
  const window = Math.max(1, Math.round(points.length * MEAN_SHARE));
  let sum = 0;
  return points.map(({ x, y }, i) => {
    sum += y - (i >= window ? points[i - window]!.y : 0);
    return { x, y: sum / Math.min(i + 1, window) };
  });
}

function thinned(points: readonly Point[]): readonly Point[] {
  const stride = Math.ceil(points.length / MAX_POINTS);
  return stride <= 1 ? points : points.filter((_, i) => i % stride === 0 || i === points.length - 1);
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c]!);
}
