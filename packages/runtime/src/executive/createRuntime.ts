/** @file The runtime as engines see it (`interface.ts`): pallets, executive, metadata and runtime APIs in one value. */
import { concatBytes, equalBytes, type HexString, type verifySignature } from '@alice/protocol';
import type { Runtime, StateView, Validity } from '../interface.js';
import { buildMetadata } from '../metadata/buildMetadata.js';
import { parameterServer } from '../pallets/proofOfGradient/storage.js';
import { account, blockNumber } from '../pallets/system/storage.js';
import { u32 } from '../scale/primitives.js';
import { encode } from '../scale/ScaleType.js';
import { extrinsicHash } from '../storage/hashing.js';
import { Overlay } from '../storage/Overlay.js';
import { runtimeVersionJson } from '../version.js';
import { BlockContext } from './BlockContext.js';
import { buildBlock, knownHash } from './buildBlock.js';
import { buildGenesis } from './buildGenesis.js';
import { type CheckedExtrinsic, checkExtrinsic } from './checkExtrinsic.js';
import { callApi } from './runtimeApis.js';
import { SignatureCache } from './SignatureCache.js';
import { tryState } from './tryState.js';

/**
 * What only the engine knows. A state holds the hashes of the blocks BEFORE its own, so the pool's checks need these
 * two; building blocks never asks them.
 */
export interface RuntimeOptions {
  /** Hash of block 0, for checks before block 1 exists. */
  readonly genesisHash?: () => HexString | undefined;
  /**
   * Hash of a block of the current chain. Wallets let a transaction be born in the newest block, whose hash its own
   * state cannot hold: without this, `validate` refuses such a transaction as `AncientBirthBlock`.
   */
  readonly blockHash?: (number: number) => HexString | undefined;
  /**
   * Checks signatures in place of the runtime's own cache, so that an engine can spread the work over threads. Must
   * say the same as `verifySignature` for every input.
   */
  readonly verifySignature?: typeof verifySignature;
}

const MAX_U64 = (1n << 64n) - 1n;
/** The parameter server's reports go before every tip. */
const REPORT_PRIORITY = 1n << 63n;

/** The state machine. Call after `await initCrypto()`. The metadata is built when it is first asked for. */
export function createRuntime(options: RuntimeOptions = {}): Runtime {
  let built: ReturnType<typeof buildMetadata> | undefined;
  const metadata = (version: 14 | 15): Uint8Array => {
    built ??= buildMetadata();
    return version === 14 ? built.v14 : built.v15;
  };
  const services = { verifySignature: options.verifySignature ?? new SignatureCache().verify };

  const validate = (state: StateView, extrinsic: Uint8Array, headHash?: HexString): Validity => {
    const head = blockNumber.get(new Overlay(state));
    const context = new BlockContext(state, head + 1);
    const blockHash = (number: number): HexString | undefined =>
      knownHash(context, number) ??
      (number === head ? headHash : undefined) ??
      hashFromEngine(options, number);
    const check = checkExtrinsic({ ...services, context, blockHash }, extrinsic);
    if ('reason' in check) return { valid: false, hash: extrinsicHash(extrinsic), reason: check.reason };
    return validityOf(check.ok, context);
  };

  return {
    versionJson: runtimeVersionJson(),
    metadata,
    buildGenesis,
    buildBlock: (state, input) => buildBlock(state, input, services),
    validate: (state, extrinsic) => validate(state, extrinsic),
    call: (state, method, data) =>
      callApi(
        {
          state: new Overlay(state),
          metadata: (version) => (version === 14 || version === 15 ? metadata(version) : undefined),
          validate: (extrinsic, headHash) => validate(state, extrinsic, headHash),
        },
        method,
        data,
      ),
    tryState,
  };
}

function hashFromEngine({ genesisHash, blockHash }: RuntimeOptions, number: number): HexString | undefined {
  return (number === 0 ? genesisHash?.() : undefined) ?? blockHash?.(number);
}

function validityOf(checked: CheckedExtrinsic, { state, blockNumber: nextBlock }: BlockContext): Validity {
  const { hash, signer, nonce, tip, death } = checked;
  const tag = (of: number): Uint8Array => concatBytes(signer, encode(u32, of));
  // The class alone would let anyone buy first place with a report that fails.
  const isReport = checked.class === 'Operational' && equalBytes(signer, parameterServer.get(state));
  const tipPriority = tip < REPORT_PRIORITY ? tip : REPORT_PRIORITY - 1n;
  return {
    valid: true,
    hash,
    signer,
    nonce,
    priority: isReport ? REPORT_PRIORITY + tipPriority : tipPriority,
    requires: nonce > account.get(state, signer).nonce ? [tag(nonce - 1)] : [],
    provides: [tag(nonce)],
    longevity: death === undefined ? MAX_U64 : BigInt(death - nextBlock),
  };
}
