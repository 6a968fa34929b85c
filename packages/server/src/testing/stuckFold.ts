/**
 * @file A fold, or a region's, that never ends: everything is made, but the blob store takes no master and no residual. Tells its
 * parent so, which then kills it. For the tests of what a kill leaves behind.
 */
import { type BlobStore, openFolderBlobStore } from '../blobs/BlobStore.js';
import { type FoldRequest, foldRound } from '../compute/foldRound.js';
import { ModelState, type ModelStateOptions } from '../compute/ModelState.js';
import { openScratchFolder } from '../compute/scratchFolder.js';
import { foldRegion, type RegionFoldRequest } from '../upstream/foldRegion.js';

export interface StuckFold {
  readonly blobs: string;
  readonly scratch: string;
  readonly options: ModelStateOptions;
  readonly request: FoldRequest | RegionFoldRequest;
}

const { blobs: dir, scratch, options, request } = JSON.parse(process.argv[2]!) as StuckFold;
const stored = openFolderBlobStore(dir);
const blobs: BlobStore = {
  ...stored,
  adopt: () => {
    process.once('disconnect', () => process.exit());
    process.send!('stuck');
    return new Promise(() => undefined);
  },
};
const [model, folder] = [new ModelState(options, blobs), openScratchFolder(scratch)];
if ('base' in request) await foldRound(model, blobs, folder, request);
else await foldRegion(model, blobs, folder, request);
