/** @file For tests and benches of whole miners. */
export { TaskServer, type TaskServerOptions } from './TaskServer.js';
