/** @file `author_*` and `payment_*`: handing in transactions and asking what they would cost. */
import { concatBytes, toHex } from '@alice/protocol';
import { RPC_CODE, rpcError } from '../errors.js';
import { ScaleReader, u32le } from '../scale.js';
import type { Json, RpcContext, RpcMethod } from './context.js';
import type { Params } from './Params.js';

const DISPATCH_CLASSES = ['normal', 'operational', 'mandatory'] as const;

/** Answers a fee API for the extrinsic in parameter 1, as a SCALE reader. */
function feeAnswer({ engine, runtime }: RpcContext, params: Params, api: string): ScaleReader {
  const extrinsic = params.bytes(0);
  const state = engine.chain.stateAt(params.optionalHash(1));
  try {
    const answer = runtime.call(state, api, concatBytes(extrinsic, u32le(extrinsic.length)));
    if (answer) return new ScaleReader(answer);
  } catch {
    // an extrinsic that cannot be decoded: answered below
  }
  throw rpcError(RPC_CODE.stateError, 'Execution failed', 'the extrinsic could not be decoded');
}

function queryInfo(context: RpcContext, params: Params): Json {
  const answer = feeAnswer(context, params, 'TransactionPaymentApi_query_info');
  const weight = { ref_time: Number(answer.compact()), proof_size: Number(answer.compact()) };
  const dispatchClass = DISPATCH_CLASSES[answer.u8()] ?? 'normal';
  return { weight, class: dispatchClass, partialFee: answer.uint(16).toString() };
}

function queryFeeDetails(context: RpcContext, params: Params): Json {
  const answer = feeAnswer(context, params, 'TransactionPaymentApi_query_fee_details');
  if (answer.u8() === 0) return { inclusionFee: null };
  const amount = (): string => answer.uint(16).toString();
  return { inclusionFee: { baseFee: amount(), lenFee: amount(), adjustedWeightFee: amount() } };
}

export const authorMethods = {
  author_submitExtrinsic: ({ engine }, params) => engine.submit(params.bytes(0)),
  author_pendingExtrinsics: ({ engine }) => engine.pending().map(toHex),
  payment_queryInfo: queryInfo,
  payment_queryFeeDetails: queryFeeDetails,
} satisfies Record<string, RpcMethod>;
