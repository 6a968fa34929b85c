/** @file How much each folder of a source gave. */
import type { SourceInfo } from '../datasetFields.js';
import type { Bar } from './barCharts.js';

export interface SourceFolder {
  readonly folder: string;
  readonly documents: number;
}

const MOST_BARS = 20;

/** Documents (conversations, pairs) of each folder, most first. */
export function sourceFolders(sources: readonly SourceInfo[]): SourceFolder[] {
  const folders = new Map<string, number>();
  for (const { path, documents } of sources) {
    const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.';
    folders.set(folder, (folders.get(folder) ?? 0) + documents);
  }
  return [...folders]
    .map(([folder, documents]) => ({ folder, documents }))
    .sort((a, b) => b.documents - a.documents);
}

/** The largest folders, and the others together. */
export function folderBars(folders: readonly SourceFolder[]): Bar[] {
  const shown = folders.slice(0, folders.length > MOST_BARS ? MOST_BARS - 1 : MOST_BARS);
  const others = folders.slice(shown.length);
  const bars = shown.map(({ folder, documents }) => ({ label: folder, values: [documents] }));
  if (others.length === 0) return bars;
  const rest = others.reduce((sum, { documents }) => sum + documents, 0);
  return [...bars, { label: `${others.length} other folders`, values: [rest] }];
}
