/** @file The figures of a dataset as one SVG picture: lengths, sources, and what was kept or left out. */
import { barCharts, powerBars } from './barCharts.js';
import type { DatasetStats } from './datasetStats.js';
import { folderBars } from './sourceFolders.js';

/** A self-contained SVG document. */
export function statsSvg(stats: DatasetStats, title: string): string {
  const fates: Readonly<Record<string, number>> = {
    ...stats.documents,
    'duplicates dropped': stats.duplicatesDropped,
    ...(stats.nearDuplicates === null ? {} : { 'near-duplicates dropped': stats.nearDuplicates.dropped }),
    'faults left out': stats.skipped,
  };
  return barCharts(
    [
      { name: 'documents by length (tokens)', bars: powerBars(stats.lengths) },
      { name: 'documents by source folder', bars: folderBars(stats.folders) },
      {
        name: 'documents by fate',
        bars: Object.entries(fates).map(([label, value]) => ({ label, values: [value] })),
      },
    ],
    title,
  );
}
