/**
 * @file A file of a source that is read once, as a stream: what it is called, where it is, how it is packed. Contents
 * are not looked at here. `version` changes whenever the content may have.
 */
import type { HashHex } from '@alice/protocol';

export type TextFormat = 'text' | 'jsonl' | 'parquet';
export type Compression = 'none' | 'gzip' | 'zstd';

export interface ListedFile {
  /** Name within the source, "/" between folders. */
  readonly path: string;
  readonly location: { readonly at: 'disk' | 'web'; readonly address: string };
  readonly format: TextFormat;
  readonly compression: Compression;
  /** As stored; −1 when the server does not say. */
  readonly bytes: number;
  /** Size and time of change on disk; the entity tag or the hub's hash on the web. */
  readonly version: string;
  /** The hash its publisher states, where there is one. */
  readonly sha256: HashHex | null;
}

export interface ListedSource {
  /** The source with everything movable pinned: a hub revision is its commit. */
  readonly pinned: string;
  readonly files: readonly ListedFile[];
}

const NAME = /\.(txt|jsonl|ndjson|json|parquet)(?:\.(gz|zst))?$/i;

/** How a file of this name is read; undefined when it is no text. A bare `.json` is no JSON lines, a packed one is. */
export function formatOf(name: string): Pick<ListedFile, 'format' | 'compression'> | undefined {
  const [, kind, packing] = NAME.exec(name.toLowerCase()) ?? [];
  if (kind === undefined || (kind === 'json' && packing === undefined)) return undefined;
  if (kind === 'parquet')
    return packing === undefined ? { format: 'parquet', compression: 'none' } : undefined;
  const compression = packing === 'gz' ? 'gzip' : packing === 'zst' ? 'zstd' : 'none';
  return { format: kind === 'txt' ? 'text' : 'jsonl', compression };
}
