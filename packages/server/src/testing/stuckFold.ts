/**
 * @file A fold that never ends: everything is made, but the blob store takes no master. Tells its parent so, which then
 * kills it. For the test of what a kill leaves behind.
 */
import { type BlobStore, openFolderBlobStore } from '../blobs/BlobStore.js';
import { type FoldRequest, foldRound } from '../compute/foldRound.js';
import { ModelState, type ModelStateOptions } from '../compute/ModelState.js';
import { openScratchFolder } from '../compute/scratchFolder.js';

export interface StuckFold {
  readonly blobs: string;
  readonly scratch: string;
  readonly options: ModelStateOptions;
  readonly request: FoldRequest;
}

const { blobs: dir, scratch, options, request } = JSON.parse(process.argv[2]!) as StuckFold;
const folder = openFolderBlobStore(dir);
const blobs: BlobStore = {
  ...folder,
  adopt: () => {
    process.once('disconnect', () => process.exit());
    process.send!('stuck');
    return new Promise(() => undefined);
  },
};
await foldRound(new ModelState(options, blobs), blobs, openScratchFolder(scratch), request);
