/** @file The entry of a source file in a manifest, from what was found when it was read. */
import type { SourceInfo } from '../datasetFields.js';
import { writtenPath } from '../sources/writtenPath.js';
import type { PartSummary } from './PartFiles.js';

/** `documents`: how many of it the dataset holds. */
export function sourceInfoOf(
  {
    path,
    bytes,
    sha256,
    faultCount,
    faults,
  }: Pick<PartSummary, 'path' | 'bytes' | 'sha256' | 'faultCount' | 'faults'>,
  documents: number,
): SourceInfo {
  const faulty = faultCount === 0 ? {} : { faultCount, faults };
  return { path: writtenPath(path), bytes, sha256, documents, ...faulty };
}
