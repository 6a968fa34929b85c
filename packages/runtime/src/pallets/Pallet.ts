/**
 * @file What a pallet is: one declaration of storage, calls, events, errors and constants, from which metadata, codecs
 * and dispatch are all derived. A call is origin → all checks → writes → events; a refusal is a returned
 * `DispatchError`, after which the executive undoes whatever was written (CHAIN-5).
 */
import { ByteWriter } from '../scale/ByteWriter.js';
import { type EnumCases, type EnumValue, enumOf, type Fields, type FieldValues } from '../scale/records.js';
import { encode, type ScaleType } from '../scale/ScaleType.js';
import type { AccountId, DispatchClass } from '../scale/substrateTypes.js';
import type { StateAccess } from '../storage/Overlay.js';
import type { StorageItem } from '../storage/StorageItem.js';

/** Why a call failed, as the chain records it; `name` is for people ("Balances.InsufficientBalance"). */
export type DispatchError =
  | { readonly kind: 'BadOrigin'; readonly name: string }
  | { readonly kind: 'CannotLookup'; readonly name: string }
  | { readonly kind: 'Module'; readonly name: string; readonly pallet: number; readonly error: number };

export const BAD_ORIGIN: DispatchError = { kind: 'BadOrigin', name: 'BadOrigin' };
export const CANNOT_LOOKUP: DispatchError = { kind: 'CannotLookup', name: 'CannotLookup' };

/** Who calls: a signer, root (only through `Sudo`), or nobody (the block's own inherent). */
export type Origin =
  | { readonly kind: 'signed'; readonly signer: AccountId }
  | { readonly kind: 'root' }
  | { readonly kind: 'none' };

/** A call as clients write it: pallet, call, arguments by name. */
export interface RuntimeCall {
  readonly type: string;
  readonly value: { readonly type: string; readonly value: object };
}

/** What running code may touch. Time is the block's; there is no other clock. */
export interface PalletContext {
  readonly state: StateAccess;
  readonly blockNumber: number;
  /** Receives fees and dust; fixed at genesis. */
  readonly feeCollector: AccountId;
  /** Appends an encoded event of the runtime. */
  deposit(event: Uint8Array): void;
  /** Runs another call on its own: if it is refused, what it wrote is undone and the refusal returned. */
  dispatch(origin: Origin, call: RuntimeCall): DispatchError | undefined;
}

export interface CallRule<A> {
  readonly class: DispatchClass;
  /** Execution time in picoseconds; `ofCall` gives that of a call among the arguments. */
  readonly refTime: (args: A, ofCall: (call: RuntimeCall) => bigint) => bigint;
  /** Whether a successful call gives the fee (not the tip) back. */
  readonly freeOnSuccess?: boolean;
  readonly run: (context: PalletContext, origin: Origin, args: A) => DispatchError | undefined;
}

export interface CallDeclaration<F extends Fields> extends CallRule<FieldValues<F>> {
  readonly index: number;
  readonly docs: readonly string[];
  readonly fields: F;
}

/** A call with its argument types forgotten: what tables hold. */
export type AnyCall = CallDeclaration<Fields>;

/** Declares a call; its argument types follow from `fields`. */
export function call<const F extends Fields>(declaration: CallDeclaration<F>): AnyCall {
  return declaration as unknown as AnyCall;
}

export type CallTable = Readonly<Record<string, AnyCall>>;

export interface ConstantDeclaration {
  readonly type: ScaleType<unknown>;
  readonly encoded: () => Uint8Array;
  readonly docs: string;
}

/** A constant of the metadata; a function where its value needs WebAssembly that is not loaded at import time. */
export function constant<T>(type: ScaleType<T>, value: T | (() => T), docs: string): ConstantDeclaration {
  const resolve = typeof value === 'function' ? (value as () => T) : () => value;
  return { type: type as ScaleType<unknown>, encoded: () => encode(type, resolve()), docs };
}

export interface EventSet<C extends EnumCases> {
  readonly type: ScaleType<EnumValue<C>>;
  deposit<K extends keyof C & string>(
    context: PalletContext,
    name: K,
    fields: Extract<EnumValue<C>, { type: K }>['value'],
  ): void;
}

/** The events of pallet number `palletIndex`, whose Rust module would be `module`. */
export function defineEvents<const C extends EnumCases>(
  module: string,
  palletIndex: number,
  cases: C,
): EventSet<C> {
  const type = enumOf(`${module}::pallet::Event`, cases);
  return {
    type,
    deposit: (context, name, fields) => {
      const out = new ByteWriter();
      out.u8(palletIndex);
      type.write(out, { type: name, value: fields } as EnumValue<C>);
      context.deposit(out.finish());
    },
  };
}

export interface ErrorSet<N extends string> {
  readonly type: ScaleType<unknown>;
  of(name: N): DispatchError;
}

interface PalletIdentity {
  readonly name: string;
  readonly module: string;
  readonly index: number;
}

/** The errors of a pallet: name → index and what to do about it. */
export function defineErrors<
  const E extends Readonly<Record<string, { index: number; docs: readonly string[] }>>,
>({ name: palletName, module, index: pallet }: PalletIdentity, errors: E): ErrorSet<keyof E & string> {
  return {
    type: enumOf(`${module}::pallet::Error`, errors) as ScaleType<unknown>,
    of: (name) => ({ kind: 'Module', name: `${palletName}.${name}`, pallet, error: errors[name]!.index }),
  };
}

/** Encoded storage, for checks over the whole state. */
export interface FullState extends StateAccess {
  /** Full storage keys under an item's prefix, ascending. */
  keysOf(item: StorageItem): readonly Uint8Array[];
}

export interface Pallet extends PalletIdentity {
  readonly storage: readonly StorageItem[];
  readonly constants: Readonly<Record<string, ConstantDeclaration>>;
  readonly calls?: CallTable;
  readonly events?: ScaleType<unknown>;
  readonly errors?: ScaleType<unknown>;
  /** The pallet's invariants on a full state; returns the violations. */
  readonly tryState?: (state: FullState) => string[];
}
