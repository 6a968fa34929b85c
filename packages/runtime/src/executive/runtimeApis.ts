/**
 * @file The runtime APIs behind `state_call`: one table gives their types in the metadata, their codecs and what they
 * do. All read-only. Names, arguments and results are Substrate's (CHAIN-4).
 */
import type { HexString } from '@alice/protocol';
import type { InvalidReason, Validity } from '../interface.js';
import { activeSet, pendingUpdates } from '../pallets/session/storage.js';
import { activeValidator, validatorUpdate } from '../pallets/session/types.js';
import { account } from '../pallets/system/storage.js';
import { BASE_FEE, feeOf, lengthFee, weightFee } from '../pallets/transactionPayment/fees.js';
import { bytes, option, result, vec } from '../scale/collections.js';
import { bool, u8, u32, u64, u128 } from '../scale/primitives.js';
import { enumOf, type Fields, type FieldValues, plainEnum, struct, wrapper } from '../scale/records.js';
import { decode, encode, type ScaleType } from '../scale/ScaleType.js';
import {
  accountId,
  dispatchClass,
  h256,
  multiAddress,
  multiSignature,
  weight,
} from '../scale/substrateTypes.js';
import type { StateAccess } from '../storage/Overlay.js';
import { type RUNTIME_API_VERSIONS, runtimeVersion, runtimeVersionType } from '../version.js';
import { declarationOf, runtimeCall } from '../wiring.js';
import { callRefTime, refTimeOf } from './checkExtrinsic.js';
import { decodeExtrinsic } from './extrinsic.js';
import { signedExtensions } from './signedExtensions.js';

/** What the APIs need of the rest of the runtime. */
export interface ApiEnvironment {
  readonly state: StateAccess;
  readonly metadata: (version: number) => Uint8Array | undefined;
  /** On the state's own block, whose hash is `headHash`. */
  readonly validate: (extrinsic: Uint8Array, headHash: HexString) => Validity;
}

export interface ApiMethod {
  readonly inputs: Fields;
  readonly output: ScaleType<unknown>;
  readonly run: (environment: ApiEnvironment, inputs: object) => unknown;
}

function method<const F extends Fields, T>(declaration: {
  readonly inputs: F;
  readonly output: ScaleType<T>;
  readonly run: (environment: ApiEnvironment, inputs: FieldValues<F>) => T;
}): ApiMethod {
  return declaration as unknown as ApiMethod;
}

export const METADATA_VERSIONS = [14, 15] as const;

/** All extras as the tuple clients see. */
export const extraTuple: ScaleType<unknown> = {
  name: 'Extra',
  minBytes: 0,
  write: () => undefined,
  read: () => undefined,
  describe: (idOf) => ({
    path: [],
    params: [],
    def: {
      tag: 'tuple',
      value: Object.values(signedExtensions).map(({ extra }) => idOf(extra as ScaleType<unknown>)),
    },
  }),
};

/** An extrinsic without its length prefix. */
export const uncheckedExtrinsic = wrapper(
  'sp_runtime::generic::unchecked_extrinsic::UncheckedExtrinsic',
  bytes,
  'UncheckedExtrinsic',
  { Address: multiAddress, Call: runtimeCall, Signature: multiSignature, Extra: extraTuple },
);

const opaqueMetadata = wrapper('sp_core::OpaqueMetadata', bytes);
const validityPath = (name: string) => `sp_runtime::transaction_validity::${name}`;
const invalidTransaction = enumOf(validityPath('InvalidTransaction'), {
  Call: { index: 0 },
  Payment: { index: 1 },
  Future: { index: 2 },
  Stale: { index: 3 },
  BadProof: { index: 4 },
  AncientBirthBlock: { index: 5 },
  ExhaustsResources: { index: 6 },
  Custom: { index: 7, of: u8 },
  BadMandatory: { index: 8 },
  MandatoryValidation: { index: 9 },
  BadSigner: { index: 10 },
});
const unknownTransaction = enumOf(validityPath('UnknownTransaction'), {
  CannotLookup: { index: 0 },
  NoUnsignedValidator: { index: 1 },
  Custom: { index: 2, of: u8 },
});
const validityError = enumOf(validityPath('TransactionValidityError'), {
  Invalid: { index: 0, of: invalidTransaction },
  Unknown: { index: 1, of: unknownTransaction },
});
const validTransaction = struct(validityPath('ValidTransaction'), {
  priority: u64,
  requires: vec(bytes),
  provides: vec(bytes),
  longevity: u64,
  propagate: bool,
});
const transactionSource = plainEnum(validityPath('TransactionSource'), ['InBlock', 'Local', 'External']);

const paymentPath = (name: string) => `pallet_transaction_payment::types::${name}`;
const runtimeDispatchInfo = struct(paymentPath('RuntimeDispatchInfo'), {
  weight,
  class: dispatchClass,
  partial_fee: u128,
});
const inclusionFee = struct(paymentPath('InclusionFee'), {
  base_fee: u128,
  len_fee: u128,
  adjusted_weight_fee: u128,
});
const feeDetails = struct(paymentPath('FeeDetails'), { inclusion_fee: option(inclusionFee), tip: u128 });

const invalidBecause = (type: InvalidReason) =>
  ({ error: { type: 'Invalid', value: { type, value: undefined } } }) as const;

export const runtimeApis: Readonly<
  Record<keyof typeof RUNTIME_API_VERSIONS, Readonly<Record<string, ApiMethod>>>
> = {
  Core: {
    version: method({ inputs: {}, output: runtimeVersionType, run: () => runtimeVersion() }),
  },
  Metadata: {
    metadata: method({ inputs: {}, output: opaqueMetadata, run: ({ metadata }) => metadata(14)! }),
    metadata_at_version: method({
      inputs: { version: u32 },
      output: option(opaqueMetadata),
      run: ({ metadata }, { version }) => metadata(version),
    }),
    metadata_versions: method({ inputs: {}, output: vec(u32), run: () => METADATA_VERSIONS }),
  },
  TaggedTransactionQueue: {
    validate_transaction: method({
      inputs: { source: transactionSource, tx: uncheckedExtrinsic, block_hash: h256 },
      output: result(validTransaction, validityError),
      run: ({ validate }, { tx, block_hash: headHash }) => {
        const validity = validate(encode(bytes, tx), headHash);
        if (!validity.valid) return invalidBecause(validity.reason);
        const { priority, requires, provides, longevity } = validity;
        return { ok: { priority, requires, provides, longevity, propagate: true } };
      },
    }),
  },
  AliceSessionApi: {
    validators: method({
      inputs: {},
      output: vec(activeValidator),
      run: ({ state }) => activeSet.get(state),
    }),
    pending_validator_updates: method({
      inputs: {},
      output: vec(validatorUpdate),
      run: ({ state }) => pendingUpdates.get(state) ?? [],
    }),
  },
  AccountNonceApi: {
    account_nonce: method({
      inputs: { account: accountId },
      output: u32,
      run: ({ state }, { account: who }) => account.get(state, who).nonce,
    }),
  },
  TransactionPaymentApi: {
    query_info: method({
      inputs: { uxt: uncheckedExtrinsic, len: u32 },
      output: runtimeDispatchInfo,
      run: (_environment, { uxt, len }) => {
        const { kind, call } = decodeExtrinsic(encode(bytes, uxt));
        const declaration = declarationOf(call);
        return {
          weight: { ref_time: refTimeOf(declaration, call.value.value), proof_size: 0n },
          class: declaration.class,
          partial_fee: kind === 'signed' ? feeOf(len, callRefTime(declaration, call.value.value)) : 0n,
        };
      },
    }),
    query_weight_to_fee: method({
      inputs: { weight },
      output: u128,
      run: (_environment, { weight: { ref_time: refTime } }) => weightFee(refTime),
    }),
    query_length_to_fee: method({
      inputs: { length: u32 },
      output: u128,
      run: (_environment, { length }) => lengthFee(length),
    }),
    query_fee_details: method({
      inputs: { uxt: uncheckedExtrinsic, len: u32 },
      output: feeDetails,
      run: (_environment, { uxt, len }) => {
        const decoded = decodeExtrinsic(encode(bytes, uxt));
        if (decoded.kind === 'bare') return { inclusion_fee: undefined, tip: 0n };
        const refTime = callRefTime(declarationOf(decoded.call), decoded.call.value.value);
        const fee = { base_fee: BASE_FEE, len_fee: lengthFee(len), adjusted_weight_fee: weightFee(refTime) };
        return { inclusion_fee: fee, tip: decoded.extra.ChargeTransactionPayment };
      },
    }),
  },
};

const methods = new Map(
  Object.entries(runtimeApis).flatMap(([api, table]) =>
    Object.entries(table).map(([name, declaration]) => [
      `${api}_${name}`,
      { declaration, inputs: struct('Inputs', declaration.inputs) },
    ]),
  ),
);

/** Runs a runtime API; `undefined` if there is none of that name. Throws `SCALE_INVALID` for wrong arguments. */
export function callApi(environment: ApiEnvironment, name: string, data: Uint8Array): Uint8Array | undefined {
  const found = methods.get(name);
  if (!found) return undefined;
  const answer = found.declaration.run(environment, decode(found.inputs, data));
  return encode(found.declaration.output, answer);
}
