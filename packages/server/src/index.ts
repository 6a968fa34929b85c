/** @file The parameter server: hands out tasks, checks and merges submissions, publishes versions, settles epochs. */
export { httpStatusOf, ServerError, type ServerErrorInfo } from './errors.js';
export { defaultServerLimits, type RoundOptions, type ServerLimits, type ServerOptions } from './options.js';
export type { ChainPort, ChainStatus } from './ports.js';
export type { ServerPorts } from './ServerCore.js';
export { runScorer, type ScorerOptions, type ScorerPorts } from './scorer/runScorer.js';
export { ScorerError, type ScorerErrorInfo } from './scorer/scorerErrors.js';
export type { ScorerEvent } from './scorer/scorerEvents.js';
export { type RunningServer, startServer } from './startServer.js';
