/**
 * @file Making a fresh Postgres folder takes seconds of WebAssembly; tests copy one that was made once per machine and
 * set of migrations, without PostgreSQL's own templates, which are half of its files and only used to make further databases.
 * Parallel test processes may make it at the same time: the first rename wins.
 */
import { cpSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashJson } from '@alice/protocol';
import { openDatabase } from '../database/Database.js';
import { migrations } from '../database/migrations.js';

/** Folders of `template1` and `template0`. */
const TEMPLATES = ['1', '4'];

export async function copyDatabaseTemplate(serverDir: string): Promise<void> {
  const template = join(tmpdir(), `alice-test-database-slim-${hashJson(migrations).slice(2, 18)}`);
  if (!existsSync(template)) {
    const making = mkdtempSync(join(tmpdir(), 'alice-making-database-'));
    await (await openDatabase(making)).close();
    for (const unused of TEMPLATES) rmSync(join(making, 'db/base', unused), { recursive: true });
    try {
      renameSync(making, template);
    } catch {
      rmSync(making, { recursive: true, force: true }); // another process was faster
    }
  }
  cpSync(template, serverDir, { recursive: true });
}
