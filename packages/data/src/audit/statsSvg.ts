/** @file The figures of a dataset as one SVG picture: lengths, sources, and what was kept or left out. */
import type { DatasetStats } from './datasetStats.js';

interface Bar {
  readonly label: string;
  readonly value: number;
}

const WIDTH = 720;
const ROW = 18;
const LABEL = 220;
const MOST_FOLDERS = 20;

/** A self-contained SVG document. */
export function statsSvg(stats: DatasetStats, title: string): string {
  const charts: readonly (readonly [string, readonly Bar[]])[] = [
    [
      'documents by length (tokens)',
      stats.lengths.map((value, i) => ({ label: `${2 ** i} – ${2 ** (i + 1) - 1}`, value })),
    ],
    [
      'documents by source folder',
      stats.folders.slice(0, MOST_FOLDERS).map((f) => ({ label: f.folder, value: f.documents })),
    ],
    [
      'documents by fate',
      [
        ...Object.entries(stats.documents).map(([label, value]) => ({ label, value })),
        { label: 'duplicates dropped', value: stats.duplicatesDropped },
        ...(stats.nearDuplicates === null
          ? []
          : [{ label: 'near-duplicates dropped', value: stats.nearDuplicates.dropped }]),
        { label: 'faults left out', value: stats.skipped },
      ],
    ],
  ];
  let y = 40;
  const body = charts.map(([name, bars]) => {
    const drawn = chart(name, bars, y);
    y += (bars.length + 3) * ROW;
    return drawn;
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}" ` +
    `font-family="system-ui, sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>` +
    `<text x="12" y="24" font-size="16">${escaped(title)}</text>${body.join('')}</svg>\n`
  );
}

function chart(name: string, bars: readonly Bar[], top: number): string {
  const most = Math.max(1, ...bars.map(({ value }) => value));
  const rows = bars.map(({ label, value }, i) => {
    const y = top + (i + 2) * ROW;
    const width = Math.round((value / most) * (WIDTH - LABEL - 110));
    return (
      `<text x="${LABEL - 8}" y="${y}" text-anchor="end">${escaped(label.slice(-32))}</text>` +
      `<rect x="${LABEL}" y="${y - 11}" width="${width}" height="13" fill="#2563a8"/>` +
      `<text x="${LABEL + width + 6}" y="${y}">${value}</text>`
    );
  });
  return `<text x="12" y="${top + ROW}" font-weight="600">${escaped(name)}</text>${rows.join('')}`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}
