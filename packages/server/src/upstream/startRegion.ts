/**
 * @file Makes the leader of a server's rounds a region's: the first version is the upstream's latest, and rounds are opened by
 * the upstream's tasks.
 */
import type { ServerContext } from '../context.js';
import { latestVersion } from '../state/versions.js';
import { advanceRegion } from './advanceRegion.js';
import { createVersionFollower } from './followVersions.js';
import { openUpstream } from './UpstreamLink.js';

/** Returns the step of the region's rounds. A first start needs the upstream; a later one does not. */
export async function startRegion(
  context: ServerContext,
): Promise<(context: ServerContext) => Promise<boolean>> {
  const link = await openUpstream(context);
  const versions = createVersionFollower(context, link);
  if (!(await latestVersion(context.db))) {
    await versions.follow(await link.client.latestVersion());
    await context.db.query(
      `INSERT INTO rounds (round, version, status, opened_ms, reason)
       SELECT -1, MAX(version), 'refused', $1, 'before the first round of this region' FROM versions`,
      [context.now()],
    );
  }
  return (current) => advanceRegion(current, { link, versions });
}
