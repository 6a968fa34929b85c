/**
 * @file Executes one block: opens it, applies the block's own inherents and every valid extrinsic in the offered order,
 * closes it. The same state and input always give the same output (CHAIN-5); invalid extrinsics are dropped with a
 * reason and leave no trace.
 */
import type { HexString } from '@alice/protocol';
import { RuntimeError } from '../errors.js';
import type { BlockInput, BlockOutput, ExtrinsicResult, StateView, ValidatorUpdate } from '../interface.js';
import { dispatchErrorValue } from '../pallets/dispatchErrorValue.js';
import type { DispatchError } from '../pallets/Pallet.js';
import { isRemoving, REMOVING_REF_TIME, removeOldHistory } from '../pallets/proofOfGradient/history.js';
import { isPaying, PAYING_REF_TIME, payNextPages } from '../pallets/proofOfGradient/paging.js';
import { sessionEvents } from '../pallets/session/events.js';
import { rotateIfDue } from '../pallets/session/rotation.js';
import { updatesBetween } from '../pallets/session/selection.js';
import { activeSet, pendingUpdates } from '../pallets/session/storage.js';
import { applyDueSlashes } from '../pallets/staking/slashing.js';
import { systemEvents } from '../pallets/system/events.js';
import { BLOCK_HASH_COUNT } from '../pallets/system/limits.js';
import {
  account,
  blockDigest,
  blockHash,
  blockNumber,
  lastUpgrade,
  parentHash,
} from '../pallets/system/storage.js';
import { now } from '../pallets/timestamp/index.js';
import { settleFee, withdrawFee } from '../pallets/transactionPayment/fees.js';
import { ZERO_HASH } from '../scale/substrateTypes.js';
import { extrinsicHash } from '../storage/hashing.js';
import { Overlay } from '../storage/Overlay.js';
import { SPEC_NAME, SPEC_VERSION } from '../version.js';
import { declarationOf, type RuntimeCall } from '../wiring.js';
import { BlockContext, type Load } from './BlockContext.js';
import { type CheckEnvironment, type CheckedExtrinsic, checkExtrinsic, refTimeOf } from './checkExtrinsic.js';
import { writeCodeMarker } from './codeMarker.js';
import { bareExtrinsic } from './extrinsic.js';
import { migrate } from './migrate.js';

type Services = Pick<CheckEnvironment, 'verifySignature'>;

/** Throws `BLOCK_NUMBER_WRONG`, `TIMESTAMP_NOT_LATER`: mistakes of the engine, not of any transaction. */
export function buildBlock(state: StateView, input: BlockInput, services: Services): BlockOutput {
  const context = new BlockContext(state, input.number);
  open(context, input);
  const extrinsics = inherentsOf(input).map((inherent, index) => applyInherent(context, inherent, index));
  // What the block's end does takes its share of the block first.
  if (isPaying(context.state)) context.use({ class: 'Mandatory', refTime: PAYING_REF_TIME, lengthBytes: 0 });
  if (isRemoving(context.state))
    context.use({ class: 'Mandatory', refTime: REMOVING_REF_TIME, lengthBytes: 0 });
  const results: ExtrinsicResult[] = extrinsics.map((bytes) => ({
    hash: extrinsicHash(bytes),
    error: undefined,
  }));
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
  const validatorUpdates = close(context, state);
  return {
    changes: context.state.changes(),
    extrinsics,
    results,
    dropped,
    ...(validatorUpdates.length > 0 ? { validatorUpdates } : {}),
  };
}

/** What every block does after its extrinsics; returns the voting powers it has changed. */
function close(context: BlockContext, before: StateView): ValidatorUpdate[] {
  context.beginFinalization();
  payNextPages(context);
  removeOldHistory(context.state);
  applyDueSlashes(context);
  rotateIfDue(context);
  const updates = updatesBetween(activeSet.get(new Overlay(before)), activeSet.get(context.state));
  pendingUpdates.put(context.state, updates.length > 0 ? updates : undefined);
  if (updates.length > 0) sessionEvents.deposit(context, 'ValidatorsChanged', { updates });
  context.finish();
  return updates.map(({ key, power }) => ({ consensusKey: key, power }));
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

/** Opens the first block of a new runtime version: brings the state into its form, and marks `:code` for clients. */
function noteUpgrade(state: BlockContext['state']): void {
  const before = lastUpgrade.get(state)?.spec_version;
  if (before === SPEC_VERSION) return;
  migrate(state, before ?? 0);
  lastUpgrade.put(state, { spec_version: SPEC_VERSION, spec_name: SPEC_NAME });
  writeCodeMarker(state);
}

/** The block's own calls: its time, then what consensus has found out, where there is anything. */
function inherentsOf({ timestampMs, consensus }: BlockInput): RuntimeCall[] {
  const of = (type: string, name: string, value: object) => ({ type, value: { type: name, value } });
  const inherents = [of('Timestamp', 'set', { now: timestampMs })];
  if (consensus && consensus.evidence.length > 0) {
    const { evidence, proposer } = consensus;
    inherents.push(of('Staking', 'report_evidence', { evidence, proposer }));
  }
  if (consensus && consensus.absent.length > 0)
    inherents.push(of('Session', 'note_absent', { absent: consensus.absent }));
  return inherents;
}

function applyInherent(context: BlockContext, inherent: RuntimeCall, index: number): Uint8Array {
  const declaration = declarationOf(inherent);
  const extrinsic = bareExtrinsic(inherent);
  const args = inherent.value.value;
  const load: Load = {
    class: declaration.class,
    refTime: refTimeOf(declaration, args),
    lengthBytes: extrinsic.length,
  };
  context.beginExtrinsic(index);
  const refusal = declaration.run(context, { kind: 'none' }, args as Parameters<typeof declaration.run>[2]);
  if (refusal) throw new Error(`cannot happen: an inherent was refused with ${refusal.name}`);
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
      dispatch_error: dispatchErrorValue(error),
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
