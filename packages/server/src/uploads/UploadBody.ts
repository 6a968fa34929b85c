/**
 * @file The body of an upload as a route's handler sees it: first the header alone, so that it can be refused before the
 * rest is read; then the rest, in parts, into the intake thread. A sender that stalls or hangs up ends it: what it announced
 * by its digest is kept for it to go on, of others nothing is left. What a refusal leaves unread the connection swallows, so
 * that its answer arrives.
 */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { errorCodeOf, type HashHex, SUBMISSION_HEADER_BYTES, toHex } from '@alice/protocol';
import { ServerError } from '../errors.js';
import type { CheckedUpload } from './ArrivingUpload.js';
import type { BrokenUploads, Sending } from './BrokenUploads.js';
import type { Intake, Upload } from './Intake.js';
import { readParts, type UploadLimits } from './readParts.js';
import type { UploadName } from './Spool.js';

export interface UploadBody {
  /** The bytes of a submission's header; fewer when the body is shorter. Throws `UPLOAD_UNKNOWN` and its like. */
  head(): Promise<Uint8Array>;
  /** Of the whole, as announced by the request; undefined when it did not say. */
  readonly announcedBytes: number | undefined;
  /** Takes all of it: hashed, checked, on disk. Throws `WireError`, `BODY_TOO_LARGE`, `UPLOAD_SLOW`, `UPLOAD_ABORTED`. */
  receive(): Promise<CheckedUpload>;
  /** Makes what was received a blob, for good. */
  keep(): Promise<void>;
  /** The hash that was announced, or that of all of it, which is read for it and not kept. */
  digest(): Promise<HashHex>;
  /** To be called at the end, however it went. */
  close(): void;
}

/** How an upload is to go on if its connection breaks, or goes on now. */
export interface Resumption {
  readonly name: UploadName;
  /** A device has one upload at a time. */
  readonly device: string;
  /** Where this request goes on; undefined for one that begins. */
  readonly offsetBytes: number | undefined;
}

export interface UploadRequest {
  readonly stream: Readable;
  /** Of this request's body. */
  readonly bodyBytes: number | undefined;
  /** Of the whole. */
  readonly limits: UploadLimits;
  readonly resumption?: Resumption | undefined;
}

export interface UploadPorts {
  readonly intake: Intake;
  readonly broken: BrokenUploads;
}

export function openUploadBody(request: UploadRequest, ports: UploadPorts): UploadBody {
  return new OpenBody(request, ports);
}

/** After these errors the sender may come back. */
const BREAKS: ReadonlySet<string> = new Set(['UPLOAD_ABORTED', 'UPLOAD_SLOW']);

class OpenBody implements UploadBody {
  readonly announcedBytes: number | undefined;
  readonly #request: UploadRequest;
  readonly #ports: UploadPorts;
  readonly #parts: AsyncGenerator<Uint8Array>;
  /** Read of this request, to see the header. */
  #beginning: Uint8Array | undefined;
  #head: Uint8Array | undefined;
  /** Of the whole, up to the end of what has been read. */
  #readBytes: number;
  #upload: Upload | undefined;
  #sending: Sending | undefined;
  #isReceiving = false;

  constructor(request: UploadRequest, ports: UploadPorts) {
    const { bodyBytes, limits, resumption, stream } = request;
    const offset = resumption?.offsetBytes ?? 0;
    this.#request = request;
    this.#ports = ports;
    this.#readBytes = offset;
    this.announcedBytes = bodyBytes === undefined ? undefined : offset + bodyBytes;
    this.#parts = readParts(stream, { ...limits, limitBytes: limits.limitBytes - offset });
  }

  async head(): Promise<Uint8Array> {
    if (this.#head) return this.#head;
    const { resumption } = this.#request;
    if (resumption?.offsetBytes === undefined) {
      const beginning = await this.#readBeginning();
      this.#head = new Uint8Array(beginning.subarray(0, SUBMISSION_HEADER_BYTES)); // lets go of the socket's memory
    } else {
      const { name, offsetBytes } = resumption;
      const { sending, broken } = await this.#ports.broken.goOn(name, offsetBytes, this.#sender());
      this.#sending = sending;
      this.#upload = broken.upload;
      this.#head = broken.head;
    }
    return this.#head;
  }

  async receive(): Promise<CheckedUpload> {
    const head = await this.head();
    this.#isReceiving = true;
    const { resumption } = this.#request;
    if (!this.#upload) {
      if (resumption) this.#sending = await this.#ports.broken.begin(resumption.name, this.#sender());
      this.#upload = this.#ports.intake.open(resumption?.name);
    }
    const checked = await this.#takeAll(this.#upload, head);
    this.#sending?.completed();
    const expected = resumption?.name.digest;
    if (expected !== undefined && checked.hash !== expected) throw otherBytes(expected, checked.hash);
    return checked;
  }

  async keep(): Promise<void> {
    await this.#upload?.keep();
    this.#upload = undefined;
  }

  async digest(): Promise<HashHex> {
    const announced = this.#request.resumption?.name.digest;
    if (announced !== undefined) return announced;
    const hash = createHash('sha256').update(await this.#readBeginning());
    for (let part = await this.#next(); part; part = await this.#next()) hash.update(part);
    return toHex(hash.digest());
  }

  close(): void {
    const { resumption } = this.#request;
    // Refused before any more was read, perhaps only for now: what there was is still there.
    if (this.#upload && !this.#isReceiving && resumption?.offsetBytes)
      this.#sending?.broke({ upload: this.#upload, head: this.#head!, sizeBytes: resumption.offsetBytes });
    else this.#upload?.drop();
    this.#upload = undefined;
    this.#sending?.ended();
    const { stream } = this.#request;
    if (!stream.destroyed) stream.resume();
  }

  async #takeAll(upload: Upload, head: Uint8Array): Promise<CheckedUpload> {
    let sizeBytes = this.#request.resumption?.offsetBytes ?? 0;
    try {
      let part = sizeBytes === 0 ? await this.#readBeginning() : await this.#next();
      this.#beginning = undefined;
      for (; part; part = await this.#next()) {
        // Where the length is known, the last part says so itself and saves a message.
        const checked = await upload.add(part, this.#readBytes === this.announcedBytes);
        if (checked) return checked;
        sizeBytes += part.length;
      }
    } catch (error) {
      if (this.#sending && sizeBytes > 0 && BREAKS.has(errorCodeOf(error) ?? '')) {
        this.#sending.broke({ upload, head, sizeBytes });
        this.#upload = undefined;
      }
      throw error;
    }
    return (await upload.add(new Uint8Array(), true))!;
  }

  async #next(): Promise<Uint8Array | undefined> {
    const { done, value } = await this.#parts.next();
    if (done) return undefined;
    this.#readBytes += value.length;
    return value;
  }

  /** What has been read to see the header, as one part. */
  async #readBeginning(): Promise<Uint8Array> {
    if (this.#beginning) return this.#beginning;
    const read: Uint8Array[] = [];
    let length = 0;
    while (length < SUBMISSION_HEADER_BYTES) {
      const part = await this.#next();
      if (!part) break;
      read.push(part);
      length += part.length;
    }
    this.#beginning = read.length === 1 ? read[0]! : Buffer.concat(read);
    return this.#beginning;
  }

  #sender() {
    const { stream, resumption } = this.#request;
    return { device: resumption!.device, interrupt: () => void stream.destroy() };
  }
}

function otherBytes(expected: HashHex, actual: HashHex): ServerError {
  return new ServerError(
    { code: 'UPLOAD_DIGEST_WRONG', expected, actual },
    'the bytes that arrived are not those that were announced: send all of it again',
  );
}
