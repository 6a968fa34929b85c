/** @file Tensors as graphs, their gradients, and sessions that run them on ONNX Runtime. */
export { EngineError, type EngineErrorInfo } from './errors.js';
export { gradients } from './graph/gradients.js';
export {
  add,
  addEntries,
  attention,
  concat,
  constant,
  div,
  exp,
  expand,
  filled,
  gather,
  input,
  largestAt,
  linearCrossEntropy,
  log,
  logSoftmax,
  type MatMulOptions,
  matmul,
  matmulAdd,
  mul,
  neg,
  pad,
  pickAlong,
  placeRows,
  reciprocal,
  reduceMax,
  reduceMean,
  reduceSum,
  reshape,
  rmsNorm,
  rotary,
  scalar,
  scatterAddRows,
  sigmoid,
  silu,
  slice,
  softmax,
  sqrt,
  sub,
  swiGlu,
  transpose,
  widen,
} from './graph/operations.js';
export {
  type DType,
  type OpName,
  type Shape,
  sameShape,
  sizeOf,
  type Value,
  type ValueType,
} from './graph/value.js';
export { verifyGraph } from './graph/verifyGraph.js';
export { encodeGraph } from './onnx/encodeGraph.js';
export {
  type DeviceSession,
  type DeviceSessionOptions,
  openDeviceSession,
  type Traffic,
} from './session/openDeviceSession.js';
export { openSession, type Session, type SessionOptions } from './session/openSession.js';
export type {
  AnyTensors,
  DeviceTensor,
  KeepingResults,
  NamedTensors,
  Platform,
  PlatformOptions,
  PlatformSession,
} from './session/platform.js';
export { type TensorData, tensorOf } from './session/tensorData.js';
export {
  hasWebGpu,
  openWebPlatform,
  type WebDevice,
  type WebPlatformOptions,
} from './session/webPlatform.js';
