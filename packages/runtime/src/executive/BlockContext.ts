/**
 * @file The state of one block under construction: writable state, events and what the block has used of its limits.
 * Rolls state and events back together. Writes the events once, at the end.
 */
import { concatBytes } from '@alice/protocol';
import type { StateView } from '../interface.js';
import type { DispatchError, Origin, PalletContext, RuntimeCall } from '../pallets/Pallet.js';
import { feeCollector } from '../pallets/proofOfGradient/storage.js';
import { maxBytes, maxRefTime } from '../pallets/system/limits.js';
import { blockWeight, eventCount } from '../pallets/system/storage.js';
import { phase } from '../pallets/system/types.js';
import { ByteWriter } from '../scale/ByteWriter.js';
import { encode } from '../scale/ScaleType.js';
import type { AccountId, DispatchClass } from '../scale/substrateTypes.js';
import { Overlay } from '../storage/Overlay.js';
import { declarationOf, events } from '../wiring.js';

const NO_TOPICS = Uint8Array.of(0);

/** What an extrinsic takes of a block. */
export interface Load {
  readonly class: DispatchClass;
  readonly refTime: bigint;
  readonly lengthBytes: number;
}

export class BlockContext implements PalletContext {
  readonly state: Overlay;
  readonly blockNumber: number;
  readonly feeCollector: AccountId;
  #records: Uint8Array[] = [];
  #phase = encode(phase, { type: 'Initialization', value: undefined });
  readonly #refTime: Record<DispatchClass, bigint> = { Normal: 0n, Operational: 0n, Mandatory: 0n };
  readonly #bytes: Record<DispatchClass, bigint> = { Normal: 0n, Operational: 0n, Mandatory: 0n };

  constructor(state: StateView, blockNumber: number) {
    this.state = new Overlay(state);
    this.blockNumber = blockNumber;
    this.feeCollector = feeCollector.get(this.state);
  }

  deposit(event: Uint8Array): void {
    this.#records.push(concatBytes(this.#phase, event, NO_TOPICS));
  }

  /** Events from here on belong to this extrinsic. */
  beginExtrinsic(index: number): void {
    this.#phase = encode(phase, { type: 'ApplyExtrinsic', value: index });
  }

  /** Events from here on belong to the block's end. */
  beginFinalization(): void {
    this.#phase = encode(phase, { type: 'Finalization', value: undefined });
  }

  dispatch(origin: Origin, call: RuntimeCall): DispatchError | undefined {
    const declaration = declarationOf(call);
    const args = call.value.value as Parameters<typeof declaration.run>[2];
    return this.attempt(() => declaration.run(this, origin, args));
  }

  /** Runs `action`; undoes its writes and events if it returns a refusal. */
  attempt<R>(action: () => R | undefined): R | undefined {
    const stateMark = this.state.checkpoint();
    const eventMark = this.#records.length;
    const refusal = action();
    if (refusal !== undefined) {
      this.state.rollback(stateMark);
      this.#records.length = eventMark;
    }
    return refusal;
  }

  /** Whether a block with what is in it already has room for this. */
  fits(load: Load): boolean {
    return (
      fitsClass(this.#refTime, load.refTime, load.class, maxRefTime) &&
      fitsClass(this.#bytes, BigInt(load.lengthBytes), load.class, (of) => BigInt(maxBytes(of)))
    );
  }

  use(load: Load): void {
    this.#refTime[load.class] += load.refTime;
    this.#bytes[load.class] += BigInt(load.lengthBytes);
  }

  /** Writes events and usage into the state. */
  finish(): void {
    const out = new ByteWriter();
    out.compact(this.#records.length);
    for (const record of this.#records) out.raw(record);
    this.state.write(events.prefix(), out.finish());
    eventCount.put(this.state, this.#records.length);
    const used = (dispatchClass: DispatchClass) => ({
      ref_time: this.#refTime[dispatchClass],
      proof_size: 0n,
    });
    blockWeight.put(this.state, {
      normal: used('Normal'),
      operational: used('Operational'),
      mandatory: used('Mandatory'),
    });
  }
}

type Use = Readonly<Record<DispatchClass, bigint>>;

/** Ordinary calls have a limit of their own; all classes together share the whole block. */
function fitsClass(
  used: Use,
  more: bigint,
  dispatchClass: DispatchClass,
  limitOf: (of: DispatchClass) => bigint,
): boolean {
  const total = used.Normal + used.Operational + used.Mandatory;
  const ownFits = dispatchClass !== 'Normal' || used.Normal + more <= limitOf('Normal');
  return ownFits && total + more <= limitOf('Mandatory');
}
