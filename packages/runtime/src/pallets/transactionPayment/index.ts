/** @file The TransactionPayment pallet: what fees clients may expect. It has no calls. */
import { u8, u128 } from '../../scale/primitives.js';
import type { ScaleType } from '../../scale/ScaleType.js';
import { constant, type Pallet } from '../Pallet.js';
import { BASE_FEE, FEE_PER_BYTE, PICOSECONDS_PER_PLANCK, paymentEvents, paymentIdentity } from './fees.js';

export const transactionPayment: Pallet = {
  ...paymentIdentity,
  storage: [],
  constants: {
    OperationalFeeMultiplier: constant(u8, 1, 'Operational calls cost what others cost.'),
    BaseFee: constant(u128, BASE_FEE, 'Fee of an empty transaction, in planck.'),
    FeePerByte: constant(u128, FEE_PER_BYTE, 'Fee for each byte of a transaction, in planck.'),
    PicosecondsPerPlanck: constant(u128, PICOSECONDS_PER_PLANCK, 'Execution time that costs one planck.'),
  },
  events: paymentEvents.type as ScaleType<unknown>,
};
