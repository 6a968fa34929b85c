/**
 * @file The work folder of a streamed build, `.build` inside the dataset: which source and settings it is for, and the
 * parts made so far. It lets the same command go on after any interruption, and refuses to mix two builds.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { HashHex, Logger } from '@alice/protocol';
import { DataError } from '../errors.js';
import type { ListedFile, ListedSource } from '../sources/ListedFile.js';
import { writeFileAtomically } from '../writeFileAtomically.js';

export const WORK_FOLDER = '.build';
const PLAN_FILE = 'plan.json';

interface Plan {
  /** What the parts depend on. */
  readonly settings: HashHex;
  readonly files: readonly { readonly path: string; readonly version: string }[];
}

export interface OpenWorkOptions {
  readonly outDir: string;
  readonly source: string;
  readonly listed: ListedSource;
  /** Hash of what the parts depend on, beside the files. */
  readonly partKey: HashHex;
  readonly onInvalid: 'refuse' | 'skip';
  readonly replace: boolean;
  readonly logger: Logger;
}

/** Whether the folder's last build was of these files. */
export function wasBuiltFrom(outDir: string, partKey: HashHex, files: readonly ListedFile[]): boolean {
  const plan = readPlan(join(outDir, WORK_FOLDER));
  return plan?.settings === partKey && firstChange(plan, files) === null;
}

/** Opens or makes the work folder. Throws `OUTPUT_OCCUPIED`, `SOURCE_CHANGED`. */
export async function openWorkFolder(options: OpenWorkOptions): Promise<string> {
  const { outDir, listed, partKey, replace, logger } = options;
  const dir = join(outDir, WORK_FOLDER);
  const plan = readPlan(dir);
  if (plan !== null && plan.settings !== partKey) {
    if (!replace) throw occupied(outDir);
    await rm(dir, { recursive: true, force: true });
  } else if (plan !== null) reportChange(firstChange(plan, listed.files), options);
  await mkdir(dir, { recursive: true });
  for (const name of await readdir(dir))
    if (name.endsWith('.tmp')) await rm(join(dir, name), { force: true });
  const files = listed.files.map(({ path, version }) => ({ path, version }));
  logger.info('Building', { source: listed.pinned, files: files.length });
  await writeFileAtomically(
    join(dir, PLAN_FILE),
    JSON.stringify({ settings: partKey, files } satisfies Plan),
  );
  return dir;
}

/** Removes the parts; what the dataset was built from stays on record. */
export async function closeWorkFolder(dir: string): Promise<void> {
  for (const name of await readdir(dir))
    if (name !== PLAN_FILE) await rm(join(dir, name), { recursive: true, force: true });
}

function readPlan(dir: string): Plan | null {
  const file = join(dir, PLAN_FILE);
  if (!existsSync(file)) return null;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Plan;
  } catch (error) {
    // A power failure emptied it: the parts are named by file and version, but nobody knows their settings.
    if (error instanceof SyntaxError) return { settings: '0x', files: [] };
    throw error;
  }
}

/** Name of a file that was added, removed or changed; null if there is none. */
function firstChange(plan: Plan, files: readonly ListedFile[]): string | null {
  const before = new Map(plan.files.map(({ path, version }) => [path, version]));
  for (const { path, version } of files) {
    if (before.get(path) !== version) return path;
    before.delete(path);
  }
  return before.keys().next().value ?? null;
}

function reportChange(path: string | null, { onInvalid, replace, logger }: OpenWorkOptions): void {
  if (path === null) return;
  if (onInvalid === 'skip' || replace) logger.warn('Source changed since the build began', { path });
  else
    throw new DataError(
      { code: 'SOURCE_CHANGED', path },
      `${path} was added, removed or changed since this build began: use --replace (or --skip-invalid) to go on with ` +
        'the files as they are now; unchanged ones are not read again',
    );
}

export function occupied(outDir: string): DataError {
  return new DataError(
    { code: 'OUTPUT_OCCUPIED', dir: outDir },
    `${outDir} holds a dataset of other text or settings: choose another folder, or overwrite it with --replace`,
  );
}
