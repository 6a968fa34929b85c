/** @file A parameter server's published versions for tests: signed manifests and their blobs, no HTTP. */
import {
  cutSnapshot,
  encodeSetDelta,
  type HashHex,
  type KeyPair,
  littleEndianBytes,
  sha256Hex,
  stateRoot,
  type TensorLayout,
  toHalves,
  toHex,
  type VersionManifest,
  versionMessage,
} from '@alice/protocol';

export const NETWORK_ID: HashHex = `0x${'a'.repeat(64)}`;
const CHUNK_BYTES = 1024;

export class PublishedModel {
  readonly manifests: VersionManifest[] = [];
  readonly blobs = new Map<string, Uint8Array>();
  /** Hashes in the order they were fetched. */
  readonly fetched: string[] = [];
  #halves: Uint16Array | undefined;

  constructor(
    readonly layout: TensorLayout,
    readonly key: KeyPair,
  ) {}

  /** Publishes `parameters` (rounded to FP16) as the next version. */
  async publish(parameters: Float32Array): Promise<VersionManifest> {
    const halves = toHalves(parameters);
    const parent = this.manifests.at(-1);
    const version = this.manifests.length;
    const { index, parts } = cutSnapshot(littleEndianBytes(halves), CHUNK_BYTES);
    for (const [i, part] of parts.entries()) this.blobs.set(index.chunks[i]!.hash, part);
    const root = stateRoot(halves, this.layout);
    const setDelta = parent === undefined ? null : await this.#setDelta(parent, { version, root, halves });
    const unsigned = {
      version,
      stateRoot: root,
      parentStateRoot: parent?.stateRoot ?? null,
      createdAtMs: 1000 + version,
      snapshot: { ...index, chunks: [...index.chunks] },
      setDelta,
      heldOutLossNats: null,
      standardErrorNats: null,
      trainedTokens: 0,
      uplinkBytes: 0,
      acceptedSubmissions: 0,
    };
    const manifest = { ...unsigned, signature: toHex(this.key.sign(versionMessage(unsigned, NETWORK_ID))) };
    this.manifests.push(manifest);
    this.#halves = halves;
    return manifest;
  }

  async blob({ hash }: { hash: string }): Promise<Uint8Array> {
    this.fetched.push(hash);
    const bytes = this.blobs.get(hash);
    if (bytes === undefined) throw new Error(`the test has no blob ${hash}`);
    return bytes.slice();
  }

  async #setDelta(parent: VersionManifest, to: { version: number; root: HashHex; halves: Uint16Array }) {
    const header = {
      fromVersion: parent.version,
      toVersion: to.version,
      fromRoot: parent.stateRoot as HashHex,
      toRoot: to.root,
    };
    const bytes = await encodeSetDelta(header, { from: this.#halves!, to: to.halves, layout: this.layout });
    const hash = sha256Hex(bytes);
    this.blobs.set(hash, bytes);
    return { hash, sizeBytes: bytes.length };
  }
}
