/** @file The commands as a person uses them: shards, a run killed with SIGKILL and resumed, an export, a text. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseLossCsv } from './lossRecord.js';

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
const STEPS = 48;

interface Ended {
  readonly code: number | null;
  readonly out: string;
}

/** Runs `alice …`; kills it at once when `killWhen` holds of its output. */
function alice(args: readonly string[], killWhen?: () => boolean): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    const watch = killWhen && setInterval(() => killWhen() && child.kill('SIGKILL'), 20);
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.once('close', (code) => {
      clearInterval(watch);
      resolve({ code, out });
    });
  });
}

test('train, kill, resume, export, generate', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'alice-train-e2e-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const at = (...parts: string[]): string => join(dir, ...parts);
  assert.equal((await alice(['data', 'build', '--out', at('data'), '--json'])).code, 0);
  const train = (out: string): string[] => [
    ...['train', '--data', at('data'), '--out', at(out), '--steps', String(STEPS), '--rows', '2'],
    ...['--sequence-length', '64', '--save-every', '8', '--eval-every', '24', '--threads', '1', '--json'],
  ];
  const whole = JSON.parse((await alice(train('whole'))).out) as { heldOutLossNats: number; step: number };
  assert.equal(whole.step, STEPS);
  assert.ok(whole.heldOutLossNats < Math.log(4096) - 0.5, `held-out loss ${whole.heldOutLossNats}`);

  const killed = await alice(train('killed'), () => existsSync(at('killed', 'state.safetensors')));
  assert.equal(killed.code, null, 'the run ended before it could be killed');
  const resumed = JSON.parse((await alice(train('killed'))).out) as { heldOutLossNats: number };
  assert.equal(resumed.heldOutLossNats, whole.heldOutLossNats);
  const weights = (out: string): Buffer => readFileSync(at(out, 'model', 'model.safetensors'));
  assert.ok(weights('killed').equals(weights('whole')), 'the resumed run has other weights');
  const csv = (out: string) => parseLossCsv(readFileSync(at(out, 'loss.csv'), 'utf8'));
  const losses = (out: string) =>
    csv(out).map(({ step, lossNats, heldOutNats }) => [step, lossNats, heldOutNats]);
  assert.equal(losses('whole').length, STEPS);
  assert.deepEqual(losses('killed'), losses('whole'));
  assert.match(readFileSync(at('whole', 'loss.svg'), 'utf8'), /<polyline/);

  const halves = await alice([
    'export',
    '--model',
    at('whole'),
    '--dtype',
    'f16',
    '--out',
    at('halves'),
    '--json',
  ]);
  assert.equal(halves.code, 0);
  const text = async (model: string): Promise<unknown> => {
    const flags = [
      '--model',
      at(model),
      '--temperature',
      '0',
      '--max-tokens',
      '8',
      '--threads',
      '1',
      '--json',
    ];
    return (JSON.parse((await alice(['generate', 'The people', ...flags])).out) as { text: string }).text;
  };
  assert.equal(await text('whole'), await text('killed'));
  assert.equal(typeof (await text('halves')), 'string');
  const missing = await alice(['generate', 'x', '--model', at('nothing'), '--json']);
  assert.equal(missing.code, 1);
  assert.equal((JSON.parse(missing.out) as { error: { code: string } }).error.code, 'CHECKPOINT_MISSING');
});
