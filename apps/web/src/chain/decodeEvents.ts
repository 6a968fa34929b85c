/** @file What happened in a block: the stored list of events → pallet, name, fields and the extrinsic each belongs to. */
import { fromHex } from '@alice/protocol';
import { decodeValue, type Fields, isChoice, type Value } from './decodeValue.js';
import type { Metadata } from './metadata.js';

export interface DecodedEvent {
  /** Index of the extrinsic; `undefined` for the block's own beginning and end. */
  readonly extrinsic: number | undefined;
  readonly pallet: string;
  readonly name: string;
  readonly fields: Fields;
}

/** Throws `SCALE_INVALID`. */
export function decodeEvents(metadata: Metadata, bytes: Uint8Array): DecodedEvent[] {
  const type = metadata.pallets.find(({ name }) => name === 'System')?.storage.get('Events')?.value ?? -1;
  const records = decodeValue(metadata, type, bytes, 'System.Events');
  return (Array.isArray(records) ? records : []).flatMap((record: Value) => {
    const { phase, event } = record as Record<string, Value>;
    const inner = isChoice(event) ? event.fields['0'] : undefined;
    if (!isChoice(event) || !isChoice(inner)) return [];
    const index = isChoice(phase) && phase.variant === 'ApplyExtrinsic' ? phase.fields['0'] : undefined;
    return [
      {
        extrinsic: typeof index === 'number' ? index : undefined,
        pallet: event.variant,
        name: inner.variant,
        fields: inner.fields,
      },
    ];
  });
}

/** `Balances.InsufficientBalance` for the numbers a failed extrinsic leaves behind. */
export function failureOf(metadata: Metadata, event: DecodedEvent): string | undefined {
  if (event.name !== 'ExtrinsicFailed') return undefined;
  const error = event.fields['dispatch_error'];
  if (!isChoice(error)) return 'unknown error';
  if (error.variant !== 'Module') return error.variant;
  const module = (error.fields['0'] ?? error.fields) as Fields;
  const pallet = metadata.pallets.find(({ index }) => index === module['index']);
  const code = fromHex(String(module['error']))[0] ?? -1;
  const shape = metadata.types.get(pallet?.errors ?? -1)?.shape;
  const name = shape?.kind === 'variant' ? shape.variants.get(code)?.name : undefined;
  return `${pallet?.name ?? 'unknown pallet'}.${name ?? `error ${code}`}`;
}
