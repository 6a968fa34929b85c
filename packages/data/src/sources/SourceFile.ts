/** @file A file of a text source, as found before anything is built. */

/** `document`: the file is one document; `text`: cut at borders; `jsonl`: one document a line. */
export type SourceFileKind = 'document' | 'text' | 'jsonl';

/** Where a file is and how it is read. */
export interface FoundFile {
  /** Name within the source, with "/" between folders. */
  readonly path: string;
  readonly absolutePath: string;
  readonly kind: SourceFileKind;
}

/** A found file with its content's size and hash. */
export interface SourceFile extends FoundFile {
  readonly bytes: number;
  readonly sha256: `0x${string}`;
}
