/** @file Reads the manifest of a dataset folder. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCodeOf } from '@alice/protocol';
import { DataError } from './errors.js';
import { MANIFEST_FILE, type Manifest, parseManifest } from './manifest.js';

/** Far above any real manifest: 60,001 shards need about 11 MB. */
const LARGEST_MANIFEST_BYTES = 256 * 2 ** 20;

/** Throws `MANIFEST_MISSING`, `MANIFEST_INVALID`. */
export function readManifest(dir: string): Manifest {
  return readManifestWith(dir, parseManifest);
}

/** The manifest of a folder by the reader of its kind. Throws `MANIFEST_MISSING`, and what `parse` throws. */
export function readManifestWith<T>(dir: string, parse: (text: string, file: string) => T): T {
  const file = join(dir, MANIFEST_FILE);
  return parse(readBounded(file), file);
}

function readBounded(file: string): string {
  try {
    const sizeBytes = statSync(file).size;
    if (sizeBytes <= LARGEST_MANIFEST_BYTES) return readFileSync(file, 'utf8');
  } catch (cause) {
    if (errorCodeOf(cause) !== 'ENOENT' && errorCodeOf(cause) !== 'ENOTDIR') throw cause;
    throw new DataError(
      { code: 'MANIFEST_MISSING', file },
      `there is no ${file}: this is no dataset, or its build did not finish; build it (again) with "alice data build SOURCE --out ${dirname(file)}"`,
      { cause },
    );
  }
  throw new DataError(
    { code: 'MANIFEST_INVALID', file, field: '', reason: 'too large' },
    `${file} is larger than any manifest: build the dataset again`,
  );
}
