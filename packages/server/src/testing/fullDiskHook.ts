/**
 * @file For systems where no small disk can be mounted: imported first, with `?flag=FILE`, it lets every write to a file of
 * this process and its threads fail as on a full disk while that file exists. What is being read is not touched.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const flag = new URL(import.meta.url).searchParams.get('flag')!;
const { writeSync } = fs;
const { open, mkdir } = fs.promises;

function checkSpace(): void {
  if (fs.existsSync(flag))
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', errno: -28 });
}

fs.writeSync = ((file: number, ...rest: unknown[]) => {
  if (file > 2) checkSpace();
  return (writeSync as (...all: unknown[]) => number)(file, ...rest);
}) as typeof fs.writeSync;
fs.promises.open = async (path, flags = 'r', mode?) => {
  if (flags !== 'r') checkSpace();
  return open(path, flags, mode);
};
fs.promises.mkdir = (async (...all: Parameters<typeof mkdir>) => {
  checkSpace();
  return mkdir(...all);
}) as typeof mkdir;
syncBuiltinESMExports();
