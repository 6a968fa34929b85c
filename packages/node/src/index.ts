/** @file A chain node: block engine, store and the JSON-RPC surface that Substrate's clients speak (CHAIN-4, CHAIN-6). */
export { decodeRequest } from './abci/decodeRequest.js';
export { FrameReader, framed } from './abci/frames.js';
export type { Block, Header } from './block.js';
export { type ChainSpec, parseChainSpec } from './chainSpec.js';
export type { CometProgram } from './comet/CometProcess.js';
export {
  cometGenesis,
  cometNodeId,
  type GenesisValidator,
  initCometHome,
  type StateSyncChoice,
  validatorOf,
} from './comet/cometHome.js';
export { findCometbft } from './comet/findCometbft.js';
export {
  type LocalNetworkOptions,
  type LocalValidator,
  localNetworkSize,
  prepareLocalNetwork,
} from './comet/localNetwork.js';
export type { CometChoice } from './comet/startComet.js';
export {
  type CaseDescription,
  describeRuntime,
  type FieldDescription,
  type PalletDescription,
  type RuntimeDescription,
} from './describe/describeRuntime.js';
export { diffState, openState, type StateDifference, type StateSide } from './describe/diffState.js';
export type {
  BlockEngine,
  Clock,
  EngineHealth,
  ExtrinsicEvent,
  ExtrinsicStatus,
} from './engine/interface.js';
export { NodeError, type NodeErrorInfo } from './errors.js';
export { type NodeOptions, type RunningNode, startNode } from './node.js';
export type { RpcLimits } from './rpc/dispatch.js';
export {
  exportSnapshot,
  importSnapshot,
  type SnapshotFolderOptions,
  type SnapshotSummary,
} from './snapshot/snapshotFolder.js';
