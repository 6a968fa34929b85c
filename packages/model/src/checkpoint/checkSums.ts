/**
 * @file The small files of a folder against the SHA256SUMS that an export leaves beside them: settings and tokenizer have
 * no hash within them. Weight files are left out, since the hash of each tensor is checked when it is read. A folder
 * without SHA256SUMS, as other programs write it, is taken as it is.
 */
import { CheckpointError, corrupt } from './checkpointError.js';

/** Throws `CHECKPOINT_HASH_MISMATCH` and `CHECKPOINT_MISSING` naming the file, `CHECKPOINT_CORRUPT` naming the sums. */
export async function checkSums(dir: string): Promise<void> {
  const { fileExists, hexDigest, readTextFile, SUMS_FILE, wholeFile } = await import('./nodeFiles.js');
  const sums = `${dir}/${SUMS_FILE}`;
  if (!(await fileExists(sums))) return;
  for (const { name, expected } of parseSums(sums, await readTextFile(sums))) {
    if (name.endsWith('.safetensors')) continue;
    const file = `${dir}/${name}`;
    const actual = hexDigest(await wholeFile(file));
    if (actual !== expected) throw changed({ file, sums, expected, actual });
  }
}

function parseSums(sums: string, text: string): { name: string; expected: string }[] {
  return text
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map((line) => {
      const [, expected, name] = /^([0-9a-f]{64}) [ *]([\w.-]+)$/.exec(line) ?? [];
      if (expected === undefined || name === undefined)
        throw corrupt(sums, 'a line of it is not a hash and a file of this folder');
      return { name, expected };
    });
}

function changed(at: { file: string; sums: string; expected: string; actual: string }): CheckpointError {
  const { file, sums, expected, actual } = at;
  return new CheckpointError(
    { code: 'CHECKPOINT_HASH_MISMATCH', file, expected, actual },
    `${file} is not the file that was written, by ${sums}. Copy or export the checkpoint again; if you changed it yourself, delete SHA256SUMS`,
  );
}
