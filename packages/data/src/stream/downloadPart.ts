/** @file A whole file from the web onto the disk, taken up again where an interrupted build left it. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { ListedFile } from '../sources/ListedFile.js';
import { storedBytes } from '../sources/openBytes.js';
import type { WebAccess } from '../sources/remote/fetchWithRetries.js';
import type { PartName } from './PartFiles.js';

/** Where the copy is. It is checked by whoever reads it. Throws what `remoteBytes` throws. */
export async function downloadPart(file: ListedFile, name: PartName, access: WebAccess): Promise<string> {
  // A changed file has another version: its copy never continues the old one's.
  const key = createHash('sha256').update(file.version).digest('hex').slice(0, 16);
  const path = `${name('tokens')}.${key}.download`;
  const handle = await open(path, 'a');
  try {
    const have = (await handle.stat()).size;
    if (have === file.bytes) return path;
    for await (const chunk of storedBytes(file, access, have)) await handle.appendFile(chunk);
    return path;
  } finally {
    await handle.close();
  }
}
