/**
 * @file Bar charts below each other as one self-contained SVG document. A bar may have parts, one behind the other, each with a
 * colour that the chart's key names.
 */

export interface Bar {
  readonly label: string;
  /** One value, or one for each name in the chart's key. */
  readonly values: readonly number[];
  /** Stands behind the bar; default: the sum. */
  readonly note?: string;
}

export interface Chart {
  readonly name: string;
  readonly bars: readonly Bar[];
  /** What the parts of a bar are. */
  readonly key?: readonly string[];
}

const WIDTH = 720;
const ROW = 18;
const LABEL = 220;
/** For the number behind a bar. */
const NOTE = 150;
const COLOURS = ['#2563a8', '#c9d8ea', '#d98324'] as const;

export function barCharts(charts: readonly Chart[], title: string): string {
  let y = 40;
  const body = charts.map((chart) => {
    const drawn = drawChart(chart, y);
    y += (chart.bars.length + 3) * ROW;
    return drawn;
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}" ` +
    `font-family="system-ui, sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>` +
    `<text x="12" y="24" font-size="16">${escaped(title)}</text>${body.join('')}</svg>\n`
  );
}

/** Bars for counts by powers of two: index i holds what has 2^i to 2^(i+1) − 1. */
export function powerBars(counts: readonly number[]): Bar[] {
  const first = counts.findIndex((count) => count > 0);
  return counts.flatMap((count, i) =>
    i < first ? [] : [{ label: `${2 ** i} – ${2 ** (i + 1) - 1}`, values: [count] }],
  );
}

function drawChart({ name, bars, key }: Chart, top: number): string {
  const sums = bars.map(({ values }) => values.reduce((sum, value) => sum + value, 0));
  const unit = (WIDTH - LABEL - NOTE) / Math.max(1, ...sums);
  const rows = bars.map((bar, i) =>
    drawBar({ ...bar, note: bar.note ?? inThousands(sums[i]!) }, top + (i + 2) * ROW, unit),
  );
  return `<text x="12" y="${top + ROW}" font-weight="600">${escaped(name)}</text>${drawKey(key ?? [], top + ROW)}${rows.join('')}`;
}

function drawBar({ label, values, note }: Required<Bar>, y: number, unit: number): string {
  let x = LABEL;
  const parts = values.map((value, i) => {
    const width = Math.round(value * unit);
    x += width;
    return `<rect x="${x - width}" y="${y - 11}" width="${width}" height="13" fill="${COLOURS[i]}"/>`;
  });
  const shown = label.length > 32 ? `…${label.slice(-31)}` : label;
  return (
    `<text x="${LABEL - 8}" y="${y}" text-anchor="end">${escaped(shown)}</text>${parts.join('')}` +
    `<text x="${x + 6}" y="${y}">${escaped(note)}</text>`
  );
}

function drawKey(names: readonly string[], y: number): string {
  const columns = names.map((name, i) => {
    const x = WIDTH - NOTE - (names.length - i - 1) * 110;
    return `<rect x="${x}" y="${y - 10}" width="11" height="11" fill="${COLOURS[i]}"/><text x="${x + 16}" y="${y}">${escaped(name)}</text>`;
  });
  return columns.join('');
}

/** "1,234,567". */
export function inThousands(value: number): string {
  return value.toLocaleString('en');
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}
