/**
 * @file A real S3 server program (versitygw) over a temporary folder, for tests. It keeps its port over kills, and
 * its data.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './freePort.js';

const CREDENTIALS = { accessKeyId: 'alice-test', secretAccessKey: 'not-a-secret' };

export interface S3Server {
  readonly endpoint: string;
  /** Where the objects of the bucket `alice` lie. */
  readonly objects: string;
  /** `kill -9`; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again after a kill; resolves when it answers. */
  start(): Promise<void>;
  remove(): Promise<void>;
}

/** ALICE_S3_SERVER, or `versitygw` where the path or CI keeps programs; undefined where there is none. */
export function findS3Server(): string | undefined {
  const given = process.env['ALICE_S3_SERVER'];
  if (given !== undefined) return given;
  const folders = [...(process.env['PATH'] ?? '').split(':'), join(homedir(), '.cache', 'alice-ci')];
  return folders.map((folder) => join(folder, 'versitygw')).find((path) => existsSync(path));
}

/** Starts it with a bucket `alice` and puts its credentials where `openBlobStore` reads them. */
export async function startS3Server(program: string): Promise<S3Server> {
  const dir = mkdtempSync(join(tmpdir(), 'alice-s3-'));
  const objects = join(dir, 'objects', 'alice');
  mkdirSync(objects, { recursive: true });
  mkdirSync(join(dir, 'sidecar'));
  process.env['AWS_ACCESS_KEY_ID'] = CREDENTIALS.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = CREDENTIALS.secretAccessKey;
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const words = [
    '--port',
    `127.0.0.1:${port}`,
    'posix',
    '--sidecar',
    join(dir, 'sidecar'),
    join(dir, 'objects'),
  ];
  const keys = { ROOT_ACCESS_KEY: CREDENTIALS.accessKeyId, ROOT_SECRET_KEY: CREDENTIALS.secretAccessKey };
  let child: ChildProcess | undefined;
  const server: S3Server = {
    endpoint,
    objects,
    async kill() {
      const dying = child;
      if (!dying || dying.exitCode !== null || dying.signalCode !== null) return;
      const gone = new Promise((resolve) => dying.once('exit', resolve));
      dying.kill('SIGKILL');
      await gone;
    },
    async start() {
      child = spawn(program, words, { env: { ...process.env, ...keys }, stdio: 'ignore' });
      while (!(await answers(endpoint))) await new Promise((resolve) => setTimeout(resolve, 50));
    },
    async remove() {
      await server.kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

/** Any answer will do: without a signature it is a refusal. */
async function answers(url: string): Promise<boolean> {
  try {
    await (await fetch(url)).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
