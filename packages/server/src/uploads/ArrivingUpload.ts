/**
 * @file One upload in the intake thread: each part is hashed, written and checked, then let go. `binary_v3` is checked on
 * its way; `binary_v2`, one zlib stream, when all of it is there, one upload at a time. Nothing malformed gets past `end`.
 */
import { createHash, type Hash } from 'node:crypto';
import {
  type ArrivingBody,
  bytesOf,
  checkArriving,
  decodeAnySubmission,
  type HashHex,
  SUBMISSION_HEADER_BYTES,
  type SubmissionLimits,
  toHex,
  WireError,
} from '@alice/protocol';
import type { BlobRef } from '../blobs/BlobStore.js';
import { deltaNorm } from '../compute/deltaNorm.js';
import { SpooledFile, type UploadName } from './Spool.js';

/** Where a header says how many tensors and entries it has, and how wide values are: part of the content. */
const CONTENT_FIELDS: readonly (readonly [from: number, to: number])[] = [
  [4, 8],
  [98, 100],
  [104, 108],
];

export interface CheckedUpload extends BlobRef {
  /** Equal for equal deltas whatever task they are sent for. */
  readonly contentHash: HashHex;
  /** Of all values together. */
  readonly normL2: number;
}

interface Place {
  readonly dir: string;
  readonly limits: SubmissionLimits;
  /** Of one that may be taken up again. */
  readonly name?: UploadName | undefined;
}

export class ArrivingUpload {
  readonly file: SpooledFile;
  /** The submission's header. */
  readonly head: Uint8Array;
  readonly #limits: SubmissionLimits;
  readonly #body: ArrivingBody | undefined;
  readonly #content: Hash | undefined;

  /** `start` holds the header at least; what is behind it is not looked at. Throws `WireError`. */
  static begin(start: Uint8Array, place: Place): ArrivingUpload {
    const head = new Uint8Array(start.subarray(0, SUBMISSION_HEADER_BYTES));
    const upload = new ArrivingUpload(head, place.limits, () => new SpooledFile(place.dir, place.name));
    upload.file.add(head);
    return upload;
  }

  /**
   * The beginning that an earlier process left, checked anew; undefined, and gone, where it is none. Cost: that of checking
   * what is there.
   */
  static takeUp({ dir, limits, name }: Place & { readonly name: UploadName }): ArrivingUpload | undefined {
    const file = new SpooledFile(dir, name, { left: true });
    try {
      let upload: ArrivingUpload | undefined;
      for (const part of file.readLeft())
        if (upload) upload.#look(part);
        else {
          if (part.length < SUBMISSION_HEADER_BYTES) break;
          const head = new Uint8Array(part.subarray(0, SUBMISSION_HEADER_BYTES));
          upload = new ArrivingUpload(head, limits, () => file);
          upload.#look(part.subarray(SUBMISSION_HEADER_BYTES));
        }
      if (upload) return upload;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
    }
    file.remove();
    return undefined;
  }

  private constructor(head: Uint8Array, limits: SubmissionLimits, file: () => SpooledFile) {
    this.#limits = limits;
    this.#body = checkArriving(head, limits);
    this.head = head;
    this.file = file();
    if (!this.#body) return;
    // There is one encoding of a content, so the encoding stands for it.
    this.#content = createHash('sha256');
    for (const [from, to] of CONTENT_FIELDS) this.#content.update(head.subarray(from, to));
  }

  /** Throws `WireError` as soon as something is wrong. */
  add(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#look(part);
    this.file.add(part);
  }

  /** All has arrived: checked to the end, and on disk. Throws `WireError`. */
  async end(): Promise<CheckedUpload> {
    const checked =
      this.#body && this.#content
        ? { normL2: this.#body.end(), contentHash: toHex(this.#content.digest()) }
        : await this.#decoded();
    return { ...(await this.file.end()), ...checked };
  }

  #look(part: Uint8Array): void {
    this.#body?.add(part);
    this.#content?.update(part);
  }

  async #decoded(): Promise<Pick<CheckedUpload, 'contentHash' | 'normL2'>> {
    const { delta } = await decodeAnySubmission(await this.file.read(), this.#limits);
    const hash = createHash('sha256');
    for (const { tensor, indices, values } of delta.tensors)
      hash.update(Uint32Array.of(tensor, indices.length)).update(bytesOf(indices)).update(bytesOf(values));
    return { contentHash: toHex(hash.digest()), normL2: deltaNorm(delta) };
  }
}
