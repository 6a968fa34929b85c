/**
 * @file A small client of the chain: reads what wallets, miners and the parameter server need, signs and submits their
 * extrinsics, and waits for the outcome. HTTP polling, no subscriptions, no metadata. Call `await initCrypto()` before.
 * Reads made together take one block hash (`at`), so that they describe one moment.
 */
import { checkServerUrl } from '../api/client.js';
import { sleep } from '../api/clientBackoff.js';
import { fromHex, type HexString, toHex } from '../bytes.js';
import { errorCodeOf } from '../errors.js';
import type { HashHex } from '../hash.js';
import type { Address, KeyPair } from '../keys.js';
import type { Balance } from '../units.js';
import { encodeCall } from './encodeCall.js';
import { decodeEpochArchive, EMPTY_ARCHIVE, type EpochArchive } from './epochArchive.js';
import { ChainError } from './errors.js';
import { badAnswer, jsonRpc } from './jsonRpc.js';
import { decodeOpenEpoch, type OpenEpoch } from './openEpoch.js';
import { signExtrinsicV4 } from './signExtrinsic.js';
import { storageKeys } from './storageKeys.js';
import {
  type ChainAccount,
  type Contribution,
  decodeAccount,
  decodeContribution,
  decodeCurrentEpoch,
  decodeEpochInfo,
  decodeEpochPages,
  decodePayouts,
  decodeTotalIssuance,
  type EpochInfo,
  type Payout,
} from './storageValues.js';

export interface ChainClientOptions {
  /** Address of the node's JSON-RPC port; `ws:` is taken as `http:`, since the port answers both. */
  readonly url: string;
  /** Longest wait for one answer, milliseconds. Default: 10,000. */
  readonly timeoutMs?: number;
  /** Between two looks at an extrinsic's status, milliseconds. Default: 500. */
  readonly pollMs?: number;
}

/** What the client takes from its surroundings. */
export interface ChainClientPorts {
  readonly fetch: typeof fetch;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly nowMs: () => number;
}

export interface ReadOptions {
  /** Block to read at. Default: the newest. */
  readonly at?: HashHex | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ChainHead {
  readonly number: number;
  readonly hash: HashHex;
}

export interface SubmitOptions {
  /** Planck on top of the fee. */
  readonly tip?: Balance;
  readonly signal?: AbortSignal | undefined;
}

export interface Inclusion {
  readonly hash: HashHex;
  readonly blockHash: HashHex;
  readonly blockNumber: number;
}

const UNTOUCHED_ACCOUNT: ChainAccount = { nonce: 0, freePlanck: 0n, reservedPlanck: 0n, frozenPlanck: 0n };

/** Every method throws `CHAIN_UNREACHABLE`, `CHAIN_RPC_ERROR`, `CHAIN_BAD_ANSWER`, or an aborted signal's reason. */
export class ChainClient {
  private readonly options: Required<ChainClientOptions>;
  private readonly ports: ChainClientPorts;
  private genesis: HashHex | undefined;

  /** Throws `SERVER_URL_INVALID`, and `TLS_REQUIRED` for plain http to anything but this machine (SPEC REG-3). */
  constructor(options: ChainClientOptions, ports: Partial<ChainClientPorts> = {}) {
    this.options = { timeoutMs: 10_000, pollMs: 500, ...options, url: checkServerUrl(httpUrl(options.url)) };
    this.ports = { fetch: (...args) => fetch(...args), sleep, nowMs: Date.now, ...ports };
  }

  async head({ signal }: Pick<ReadOptions, 'signal'> = {}): Promise<ChainHead> {
    const hash = await this.hashFrom('chain_getBlockHash', [], signal);
    const header = await this.call('chain_getHeader', [hash], signal);
    const number = Number((header as { number?: unknown } | null)?.number);
    if (!Number.isSafeInteger(number)) throw badAnswer('chain_getHeader', 'no block number');
    return { number, hash };
  }

  /** Asked once, then remembered: it names the network. */
  async genesisHash({ signal }: Pick<ReadOptions, 'signal'> = {}): Promise<HashHex> {
    this.genesis ??= await this.hashFrom('chain_getBlockHash', [0], signal);
    return this.genesis;
  }

  /** An account nobody has touched is all zeros. */
  async account(address: Address, options: ReadOptions = {}): Promise<ChainAccount> {
    return (await this.read(storageKeys.account(address), decodeAccount, options)) ?? UNTOUCHED_ACCOUNT;
  }

  async totalIssuance(options: ReadOptions = {}): Promise<Balance> {
    return (await this.read(storageKeys.totalIssuance(), decodeTotalIssuance, options)) ?? 0n;
  }

  /** The epoch that is running; all below it are settled. */
  async currentEpoch(options: ReadOptions = {}): Promise<number> {
    return (await this.read(storageKeys.currentEpoch(), decodeCurrentEpoch, options)) ?? 0;
  }

  /** A settled epoch, or `undefined`. */
  async epoch(epoch: number, options: ReadOptions = {}): Promise<EpochInfo | undefined> {
    return await this.read(storageKeys.epoch(epoch), decodeEpochInfo, options);
  }

  /**
   * Who was paid what for an epoch, reported in one call or in pages; empty when it is not settled, and when it is so
   * old that the chain keeps only its sums.
   */
  async payouts(epoch: number, { at, signal }: ReadOptions = {}): Promise<Payout[]> {
    const options = { at: at ?? (await this.hashFrom('chain_getBlockHash', [], signal)), signal };
    const pages = await this.read(storageKeys.epochPages(epoch), decodeEpochPages, options);
    if (pages === undefined)
      return (await this.read(storageKeys.payouts(epoch), decodePayouts, options)) ?? [];
    const payouts: Payout[] = [];
    for (let page = 0; page < pages; page++)
      payouts.push(...((await this.read(storageKeys.payoutPage(epoch, page), decodePayouts, options)) ?? []));
    return payouts;
  }

  /** What is left of epochs that are older than what the chain keeps. */
  async epochArchive(options: ReadOptions = {}): Promise<EpochArchive> {
    return (await this.read(storageKeys.epochArchive(), decodeEpochArchive, options)) ?? EMPTY_ARCHIVE;
  }

  /** The epoch that is being reported in pages, or `undefined`. */
  async openEpoch(options: ReadOptions = {}): Promise<OpenEpoch | undefined> {
    return await this.read(storageKeys.openEpoch(), decodeOpenEpoch, options);
  }

  /** What an address has earned over all epochs, or `undefined`. */
  async contribution(address: Address, options: ReadOptions = {}): Promise<Contribution | undefined> {
    return await this.read(storageKeys.contribution(address), decodeContribution, options);
  }

  /** The next free nonce, extrinsics waiting in the node's pool included. */
  async nextNonce(address: Address, { signal }: Pick<ReadOptions, 'signal'> = {}): Promise<number> {
    const nonce = await this.call('system_accountNextIndex', [address], signal);
    if (!Number.isSafeInteger(nonce)) throw badAnswer('system_accountNextIndex', 'not an integer');
    return nonce as number;
  }

  /** Hands a signed extrinsic to the node's pool; returns its hash. Being in the pool is not yet being in a block. */
  async submit(extrinsic: Uint8Array, { signal }: Pick<ReadOptions, 'signal'> = {}): Promise<HashHex> {
    return await this.hashFrom('author_submitExtrinsic', [toHex(extrinsic)], signal);
  }

  /** Signs and submits a transfer that keeps the sender's account alive; returns the extrinsic's hash. */
  async transfer(
    keyPair: KeyPair,
    { to, planck, ...options }: SubmitOptions & { readonly to: Address; readonly planck: Balance },
  ): Promise<HashHex> {
    return await this.signAndSubmit(keyPair, encodeCall.transferKeepAlive({ to, planck }), options);
  }

  /** Signs any encoded call with the next nonce and submits it; returns the extrinsic's hash. */
  async signAndSubmit(keyPair: KeyPair, call: Uint8Array, options: SubmitOptions = {}): Promise<HashHex> {
    const [hash] = await this.signAndSubmitAll(keyPair, [call], options);
    return hash!;
  }

  /** Submits calls that the chain runs in this order, all with nonces that follow each other; returns their hashes. */
  async signAndSubmitAll(
    keyPair: KeyPair,
    calls: readonly Uint8Array[],
    { tip = 0n, signal }: SubmitOptions = {},
  ): Promise<HashHex[]> {
    const [genesisHash, versions, firstNonce] = await Promise.all([
      this.genesisHash({ signal }),
      this.runtimeVersions(signal),
      this.nextNonce(keyPair.address, { signal }),
    ]);
    const hashes: HashHex[] = [];
    for (const [i, call] of calls.entries()) {
      const signing = { nonce: firstNonce + i, genesisHash, tip, ...versions };
      hashes.push(await this.submit(signExtrinsicV4({ call, keyPair, ...signing }), { signal }));
    }
    return hashes;
  }

  /**
   * Waits until the extrinsic is in a block and its call succeeded; outages meanwhile are waited out.
   * Throws `EXTRINSIC_FAILED` when the call failed, `EXTRINSIC_DROPPED` when the pool threw it out,
   * `EXTRINSIC_TIMEOUT` when the time is over.
   */
  async waitFor(
    hash: HashHex,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<Inclusion> {
    const deadlineMs = this.ports.nowMs() + timeoutMs;
    for (let lastStatus = 'unknown'; ; await this.ports.sleep(this.options.pollMs, signal)) {
      try {
        const status = await this.extrinsicStatus(hash, signal);
        lastStatus = status.status;
        if (status.status === 'included') return inclusionOf(hash, status);
        if (status.status === 'unknown' && status.error) throw dropped(hash, status.error);
      } catch (error) {
        if (errorCodeOf(error) !== 'CHAIN_UNREACHABLE') throw error;
        lastStatus = 'unreachable';
      }
      if (this.ports.nowMs() >= deadlineMs)
        throw new ChainError(
          { code: 'EXTRINSIC_TIMEOUT', hash, timeoutMs, lastStatus },
          `extrinsic ${hash} is not in a block after ${timeoutMs} ms (last status: ${lastStatus}); it may still be included, so look again before sending another`,
        );
    }
  }

  /** Waits until everything that an address has signed and the node has taken is in a block, at most `timeoutMs`. */
  async waitUntilPoolHasNone(
    address: Address,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<void> {
    const deadlineMs = this.ports.nowMs() + timeoutMs;
    while (this.ports.nowMs() < deadlineMs) {
      const next = await this.nextNonce(address, { signal });
      if (next === (await this.account(address, { signal })).nonce) return;
      await this.ports.sleep(this.options.pollMs, signal);
    }
  }

  private async extrinsicStatus(hash: HashHex, signal?: AbortSignal): Promise<ExtrinsicStatus> {
    const status = await this.call('alice_extrinsicStatus', [hash], signal);
    const known = ['unknown', 'pool', 'included'].includes(
      (status as { status?: string } | null)?.status ?? '',
    );
    if (!known) throw badAnswer('alice_extrinsicStatus', 'unknown status');
    return status as ExtrinsicStatus;
  }

  private async runtimeVersions(
    signal?: AbortSignal,
  ): Promise<{ specVersion: number; transactionVersion: number }> {
    const version = await this.call('state_getRuntimeVersion', [], signal);
    const { specVersion, transactionVersion } = (version ?? {}) as Record<string, unknown>;
    if (typeof specVersion !== 'number' || typeof transactionVersion !== 'number')
      throw badAnswer('state_getRuntimeVersion', 'no versions');
    return { specVersion, transactionVersion };
  }

  private async read<T>(
    key: Uint8Array,
    decode: (bytes: Uint8Array) => T,
    { at, signal }: ReadOptions,
  ): Promise<T | undefined> {
    const value = await this.call(
      'state_getStorage',
      at === undefined ? [toHex(key)] : [toHex(key), at],
      signal,
    );
    if (value === null) return undefined;
    if (typeof value !== 'string' || !/^0x(?:[0-9a-fA-F]{2})*$/.test(value))
      throw badAnswer('state_getStorage', 'not hex');
    return decode(fromHex(value));
  }

  private async hashFrom(method: string, params: readonly unknown[], signal?: AbortSignal): Promise<HashHex> {
    const hash = await this.call(method, params, signal);
    if (typeof hash !== 'string' || !/^0x[0-9a-f]{64}$/.test(hash)) throw badAnswer(method, 'not a hash');
    return hash as HexString;
  }

  private call(method: string, params: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
    const { url, timeoutMs } = this.options;
    return jsonRpc({ url, timeoutMs, fetch: this.ports.fetch }, { method, params, signal });
  }
}

interface ExtrinsicStatus {
  readonly status: 'unknown' | 'pool' | 'included';
  readonly blockHash?: HashHex;
  readonly blockNumber?: number;
  readonly error?: string | null;
}

function inclusionOf(hash: HashHex, { blockHash, blockNumber, error }: ExtrinsicStatus): Inclusion {
  if (blockHash === undefined || blockNumber === undefined)
    throw badAnswer('alice_extrinsicStatus', 'no block');
  if (error)
    throw new ChainError(
      { code: 'EXTRINSIC_FAILED', hash, error, blockHash },
      `the chain took extrinsic ${hash} into a block, but the call failed: ${error}`,
    );
  return { hash, blockHash, blockNumber };
}

const httpUrl = (url: string): string => url.replace(/^ws(?=s?:)/, 'http');

function dropped(hash: HashHex, reason: string): ChainError {
  return new ChainError(
    { code: 'EXTRINSIC_DROPPED', hash, reason },
    `the chain did not take extrinsic ${hash} (${reason}); nothing changed, so it can be signed anew`,
  );
}
