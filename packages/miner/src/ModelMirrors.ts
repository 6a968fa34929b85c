/**
 * @file Pieces of the published model from plain web servers that hold a copy of a parameter server's blobs: of its folder
 * (`ab/abcd…`) or of its bucket (`abcd…`), named by SHA-256 without `0x`. What a place has sent before it breaks is kept: the
 * next one, at last the parameter server, goes on from there. Nothing is believed: a piece with another hash is asked of the
 * server, all of it. A mirror may lag behind, so what it lacks says nothing about the rest.
 */
import { checkServerUrl, concatBytes, errorCodeOf, withSignals } from '@alice/protocol';
import type { ByteStore } from './ByteStore.js';
import { MinerError } from './errors.js';

export interface WantedPiece {
  readonly hash: string;
  /** Bound of the whole piece. */
  readonly maxBytes: number;
  /** Told how many of its bytes are here. */
  readonly onReceived: (bytes: number) => void;
}

/** The bytes from `fromByte` on; all of them without it. */
export type AskServer = (piece: WantedPiece, fromByte?: number) => Promise<Uint8Array>;

export interface ModelMirrorPorts {
  readonly hashOf: ByteStore['hashOf'];
  readonly nowMs?: () => number;
  readonly fetch?: typeof fetch;
  /** Ends downloads. */
  readonly signal?: AbortSignal;
  readonly idleMs?: number;
}

/** A mirror that broke or lied is not asked for so long. */
const SET_ASIDE_MS = 300_000;
const IDLE_MS = 20_000;
const LAYOUTS: readonly ((name: string) => string)[] = [
  (name) => `${name.slice(0, 2)}/${name}`,
  (name) => name,
];

interface Mirror {
  readonly url: string;
  layouts: readonly ((name: string) => string)[];
  asideUntilMs: number;
}

/** What is here of a piece, and who sent it. */
interface Arriving {
  parts: Uint8Array[];
  bytes: number;
  readonly senders: Set<Mirror>;
}

interface Download {
  readonly mirror: Mirror;
  readonly piece: WantedPiece;
  readonly arriving: Arriving;
  readonly signal: AbortSignal;
  touch(): void;
}

export class ModelMirrors {
  readonly #mirrors: readonly Mirror[];
  readonly #ports: Required<Omit<ModelMirrorPorts, 'signal'>> & Pick<ModelMirrorPorts, 'signal'>;

  /** Throws `SERVER_URL_INVALID`, `TLS_REQUIRED`. */
  constructor(urls: readonly string[], ports: ModelMirrorPorts) {
    this.#mirrors = urls.map((url) => ({ url: checkServerUrl(url), layouts: LAYOUTS, asideUntilMs: 0 }));
    this.#ports = { nowMs: Date.now, idleMs: IDLE_MS, fetch: (...args) => fetch(...args), ...ports };
  }

  /** The piece, from wherever its bytes come; what the server itself sends is for the caller to check. */
  async piece(piece: WantedPiece, askServer: AskServer): Promise<Uint8Array> {
    const arriving: Arriving = { parts: [], bytes: 0, senders: new Set() };
    for (const mirror of this.#mirrors) {
      if (mirror.asideUntilMs > this.#ports.nowMs() || !(await this.#ask(mirror, piece, arriving))) continue;
      return (await this.#checked(piece, arriving)) ?? askServer(piece);
    }
    if (arriving.bytes === 0) return askServer(piece);
    return (await this.#restFromServer(piece, arriving, askServer)) ?? askServer(piece);
  }

  async #restFromServer(
    piece: WantedPiece,
    arriving: Arriving,
    askServer: AskServer,
  ): Promise<Uint8Array | undefined> {
    try {
      arriving.parts.push(await askServer(piece, arriving.bytes));
    } catch (error) {
      if (errorCodeOf(error) !== 'SERVER_REFUSED') throw error;
      return undefined; // there is no such byte: more had come than there is
    }
    return this.#checked(piece, arriving);
  }

  /** The whole, if it is what was wanted; else its senders are set aside. */
  async #checked({ hash }: WantedPiece, { parts, senders }: Arriving): Promise<Uint8Array | undefined> {
    const bytes = concatBytes(...parts);
    if ((await this.#ports.hashOf(bytes)) === hash) return bytes;
    for (const mirror of senders) this.#setAside(mirror);
    return undefined;
  }

  #setAside(mirror: Mirror): void {
    mirror.asideUntilMs = this.#ports.nowMs() + SET_ASIDE_MS;
  }

  /** Adds what the mirror has of the rest; true when that was the end. */
  async #ask(mirror: Mirror, piece: WantedPiece, arriving: Arriving): Promise<boolean> {
    try {
      for (const layout of mirror.layouts) {
        const isThere = await this.#read(mirror, layout(piece.hash.slice(2)), { piece, arriving });
        if (!isThere) continue;
        mirror.layouts = [layout];
        return true;
      }
    } catch (error) {
      if (!(error instanceof MinerError)) throw error;
      this.#setAside(mirror);
    }
    return false;
  }

  /** False where there is no such file. Throws `MIRROR_FAILED`. */
  async #read(
    mirror: Mirror,
    path: string,
    { piece, arriving }: { piece: WantedPiece; arriving: Arriving },
  ): Promise<boolean> {
    const url = `${mirror.url}/${path}`;
    const idle = idleSignal(this.#ports.idleMs);
    try {
      return await withSignals([this.#ports.signal, idle.signal], (signal) =>
        this.#download(url, { mirror, piece, arriving, signal, touch: idle.touch }),
      );
    } catch (cause) {
      if (arriving.bytes > piece.maxBytes) Object.assign(arriving, { parts: [], bytes: 0 });
      throw new MinerError({ code: 'MIRROR_FAILED', url }, `the mirror does not send ${url}`, { cause });
    } finally {
      idle.stop();
    }
  }

  async #download(url: string, { mirror, piece, arriving, signal, touch }: Download): Promise<boolean> {
    const response = await this.#ports.fetch(url, {
      headers: arriving.bytes === 0 ? {} : { range: `bytes=${arriving.bytes}-` },
      redirect: 'error',
      signal,
    });
    if (![200, 206].includes(response.status)) await response.body?.cancel();
    if (response.status === 404 || response.status === 403) return false; // buckets say 403 of what is not there
    if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
    if (response.status === 200) Object.assign(arriving, { parts: [], bytes: 0 }); // it knows no ranges
    for await (const part of response.body) {
      touch();
      arriving.senders.add(mirror);
      arriving.parts.push(part);
      arriving.bytes += part.length;
      if (arriving.bytes > piece.maxBytes) throw new Error(`more than ${piece.maxBytes} bytes`);
      piece.onReceived(arriving.bytes);
    }
    return true;
  }
}

/** Aborts when it has not been touched for so long. */
function idleSignal(idleMs: number): { signal: AbortSignal; touch(): void; stop(): void } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), idleMs);
  return {
    signal: controller.signal,
    touch: () => void timer.refresh(),
    stop: () => clearTimeout(timer),
  };
}
