/**
 * @file One node per directory. LMDB itself allows many processes; it keeps a table of readers whose entries the
 * operating system invalidates when their process dies, even by kill -9. So: read first (which takes an entry),
 * clear the dead, and refuse when another living process is left. Two that start at once both refuse; neither
 * writes. Limit: processes in different PID namespaces that share a directory are told apart by PID only.
 */
import { open, type RootDatabase } from 'lmdb';
import { NodeError } from '../errors.js';

export interface ExclusiveEnvironment {
  readonly env: RootDatabase<unknown, string>;
  /** Lets this process open the directory again; call it after closing. */
  release(): void;
}

/** Directories open in this very process, which the reader table cannot tell apart. */
const openHere = new Set<string>();

/** Opens the LMDB environment in an existing directory for this process alone. Throws `NODE_DIR_LOCKED`. */
export function openExclusively(dir: string): ExclusiveEnvironment {
  if (openHere.has(dir)) throw locked(dir, process.pid);
  // Without overlapping syncs a commit returns only when it is on disk: a final block survives a power cut.
  const env: RootDatabase<unknown, string> = open({
    path: dir,
    noSubdir: false,
    maxDbs: 8,
    overlappingSync: false,
  });
  env.get('any');
  env.readerCheck();
  const other = livingReaders(env).find((pid) => pid !== process.pid);
  if (other !== undefined) {
    void env.close();
    throw locked(dir, other);
  }
  openHere.add(dir);
  return { env, release: () => void openHere.delete(dir) };
}

/** The process ids in LMDB's reader list: a heading line, then "pid thread transaction" per line. */
function livingReaders(env: RootDatabase<unknown, string>): number[] {
  const lines = env.readerList().split('\n').slice(1);
  return lines.map((line) => Number.parseInt(line.trim(), 10)).filter((pid) => Number.isInteger(pid));
}

function locked(dir: string, pid: number): NodeError {
  return new NodeError(
    { code: 'NODE_DIR_LOCKED', dir, pid },
    `${dir} is in use by a running node (process ${pid}): stop it first, or choose another directory`,
  );
}
