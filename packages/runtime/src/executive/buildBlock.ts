/**
 * @file Executes one block: opens it, applies the timestamp inherent and every valid extrinsic in the offered order,
 * closes it. The same state and input always give the same output (CHAIN-5); invalid extrinsics are dropped with a
 * reason and leave no trace.
 */
import type { HexString } from '@alice/protocol';
import { RuntimeError } from '../errors.js';
import type { BlockInput, BlockOutput, ExtrinsicResult, StateView } from '../interface.js';
import type { DispatchError } from '../pallets/Pallet.js';
import { systemEvents } from '../pallets/system/events.js';
import { BLOCK_HASH_COUNT } from '../pallets/system/index.js';
import {
  account,
  blockDigest,
  blockHash,
  blockNumber,
  lastUpgrade,
  parentHash,
} from '../pallets/system/storage.js';
import { now, timestamp } from '../pallets/timestamp/index.js';
import { settleFee, withdrawFee } from '../pallets/transactionPayment/fees.js';
import type { ValueOf } from '../scale/ScaleType.js';
import type { dispatchErrorType } from '../scale/substrateTypes.js';
import { ZERO_HASH } from '../scale/substrateTypes.js';
import { extrinsicHash } from '../storage/hashing.js';
import { SPEC_NAME, SPEC_VERSION } from '../version.js';
import { BlockContext, type Load } from './BlockContext.js';
import { type CheckEnvironment, type CheckedExtrinsic, checkExtrinsic, refTimeOf } from './checkExtrinsic.js';
import { writeCodeMarker } from './codeMarker.js';
import { bareExtrinsic } from './extrinsic.js';

type Services = Pick<CheckEnvironment, 'verifySignature'>;

/** Throws `BLOCK_NUMBER_WRONG`, `TIMESTAMP_NOT_LATER`: mistakes of the engine, not of any transaction. */
export function buildBlock(state: StateView, input: BlockInput, services: Services): BlockOutput {
  const context = new BlockContext(state, input.number);
  open(context, input);
  const extrinsics = [applyInherent(context, input.timestampMs)];
  const results: ExtrinsicResult[] = [{ hash: extrinsicHash(extrinsics[0]!), error: undefined }];
  const dropped: BlockOutput['dropped'][number][] = [];
  const environment = { ...services, context, blockHash: (number: number) => knownHash(context, number) };
  for (const extrinsic of input.extrinsics) {
    const check = checkForBlock(environment, context, extrinsic);
    if ('reason' in check) {
      dropped.push({ hash: extrinsicHash(extrinsic), reason: check.reason });
      continue;
    }
    const error = applyChecked(context, check.ok, extrinsics.length);
    extrinsics.push(extrinsic);
    results.push({ hash: check.ok.hash, error: error?.name });
  }
  context.finish();
  return { changes: context.state.changes(), extrinsics, results, dropped };
}

/** The hash of block `number` if the state has it. */
export function knownHash({ state }: Pick<BlockContext, 'state'>, number: number): HexString | undefined {
  const hash = blockHash.get(state, number);
  return hash === ZERO_HASH ? undefined : hash;
}

function checkForBlock(environment: CheckEnvironment, context: BlockContext, extrinsic: Uint8Array) {
  const check = checkExtrinsic(environment, extrinsic);
  if ('reason' in check) return check;
  if (check.ok.nonce > account.get(context.state, check.ok.signer).nonce)
    return { reason: 'Future' } as const;
  return context.fits(check.ok) ? check : ({ reason: 'ExhaustsResources' } as const);
}

function open({ state }: BlockContext, input: BlockInput): void {
  const parent = blockNumber.get(state);
  if (input.number !== parent + 1)
    throw new RuntimeError(
      { code: 'BLOCK_NUMBER_WRONG', expected: parent + 1, actual: input.number },
      `block ${input.number} cannot follow block ${parent}: build block ${parent + 1} on this state`,
    );
  const parentMs = now.get(state);
  if (input.timestampMs <= parentMs)
    throw new RuntimeError(
      { code: 'TIMESTAMP_NOT_LATER', parentMs, actualMs: input.timestampMs },
      `the block's time ${input.timestampMs} must be after its parent's, ${parentMs}`,
    );
  blockNumber.put(state, input.number);
  parentHash.put(state, input.parentHash);
  blockHash.put(state, parent, input.parentHash);
  // Block 0 stays: every signature covers its hash.
  const outdated = parent - BLOCK_HASH_COUNT;
  if (outdated > 0) blockHash.remove(state, outdated);
  blockDigest.put(state, { logs: [] });
  noteUpgrade(state);
}

/** Records the first block of a new runtime version; clients watch `:code` for it. */
function noteUpgrade(state: BlockContext['state']): void {
  if (lastUpgrade.get(state)?.spec_version === SPEC_VERSION) return;
  lastUpgrade.put(state, { spec_version: SPEC_VERSION, spec_name: SPEC_NAME });
  writeCodeMarker(state);
}

function applyInherent(context: BlockContext, timestampMs: bigint): Uint8Array {
  const set = timestamp.calls!['set']!;
  const args = { now: timestampMs };
  const extrinsic = bareExtrinsic({ type: timestamp.name, value: { type: 'set', value: args } });
  const load: Load = { class: set.class, refTime: refTimeOf(set, args), lengthBytes: extrinsic.length };
  context.beginExtrinsic(0);
  const refusal = set.run(context, { kind: 'none' }, args);
  if (refusal) throw new Error(`cannot happen: the timestamp inherent was refused with ${refusal.name}`);
  context.use(load);
  systemEvents.deposit(context, 'ExtrinsicSuccess', { dispatch_info: infoOf(load, false) });
  return extrinsic;
}

/** Takes fee and nonce, runs the call, and undoes the call, but not those, if it is refused. */
function applyChecked(
  context: BlockContext,
  checked: CheckedExtrinsic,
  index: number,
): DispatchError | undefined {
  const { signer, fee, tip, call, args } = checked;
  context.beginExtrinsic(index);
  const info = account.get(context.state, signer);
  account.put(context.state, signer, { ...info, nonce: info.nonce + 1 });
  withdrawFee(context, { who: signer, fee, tip });
  const error = context.attempt(() =>
    call.run(context, { kind: 'signed', signer }, args as Parameters<typeof call.run>[2]),
  );
  const isFree = error === undefined && call.freeOnSuccess === true;
  settleFee(context, { who: signer, fee, tip }, isFree);
  context.use(checked);
  const dispatchInfo = infoOf(checked, isFree);
  if (error)
    systemEvents.deposit(context, 'ExtrinsicFailed', {
      dispatch_error: encodableError(error),
      dispatch_info: dispatchInfo,
    });
  else systemEvents.deposit(context, 'ExtrinsicSuccess', { dispatch_info: dispatchInfo });
  return error;
}

function infoOf(load: Load, isFree: boolean) {
  const paysFee = isFree || load.class === 'Mandatory' ? 'No' : 'Yes';
  return {
    weight: { ref_time: load.refTime, proof_size: 0n },
    class: load.class,
    pays_fee: paysFee,
  } as const;
}

function encodableError(error: DispatchError): ValueOf<typeof dispatchErrorType> {
  if (error.kind !== 'Module') return { type: error.kind, value: undefined };
  return { type: 'Module', value: { index: error.pallet, error: Uint8Array.of(error.error, 0, 0, 0) } };
}
