/** @file What tests of other packages need to stand in for published data. */
export { type Hub, type HubOptions, hubServer } from './hubServer.js';
export { parquetFile } from './parquetFile.js';
export { prose } from './prose.js';
export { zstdFrame } from './zstdFrame.js';
