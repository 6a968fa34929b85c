/** @file Ports to listen on: asked for, any, or the next free one. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { listenPortOption, portOption } from '../options.js';
import { choosePort, isPortFree } from './freePort.js';
import { type ReservedPorts, reservePorts } from './reservedPorts.js';

it('takes a port that is free: any for 0, the one asked for, or the next from the usual one on', async (t) => {
  const busy = createServer().listen(0, '127.0.0.1');
  await once(busy, 'listening');
  t.after(() => busy.close());
  const { port } = busy.address() as AddressInfo;
  const any = await choosePort({ asked: 0, preferred: port, option: '--port' });
  assert.ok(any > 0 && any !== port && (await isPortFree(any)));
  assert.equal(await choosePort({ asked: any, preferred: port, option: '--port' }), any);
  const refused = { info: { code: 'PORT_BUSY', port } };
  await assert.rejects(choosePort({ asked: port, preferred: any, option: '--port' }), refused);
  assert.notEqual(await choosePort({ asked: undefined, preferred: port, option: '--port' }), port);
});

it('lets one of two programs that look in the same moment take the next', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'alice-ports-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const preferred = await choosePort({ asked: 0, preferred: 1, option: '--port' });
  const [one, other] = [reservePorts(dir), reservePorts(dir)];
  const choose = (reserved: ReservedPorts) =>
    choosePort({ asked: undefined, preferred, option: '--port', reserved });
  const ports = await Promise.all([choose(one), choose(other)]);
  assert.notEqual(ports[0], ports[1]);
  await Promise.all([one.release(), other.release()]);
  assert.deepEqual(readdirSync(dir), []);
  assert.equal(await choose(reservePorts(join(dir, '\0'))), preferred, 'where nothing can be reserved');
});

it('lets a program that listens be told 0, and nobody be sent there', () => {
  assert.equal(listenPortOption('--port')('0'), 0);
  for (const text of ['0', '65536', '-1', 'x'])
    assert.throws(() => portOption('--port')(text), { info: { code: 'OPTION_INVALID', option: '--port' } });
});
