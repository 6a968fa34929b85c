/** @file A closed gate lets nobody through, an open one everybody, and both let other work have a turn. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Gate } from './Gate.js';

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe('Gate', () => {
  it('lets through at once, but only after other work that is waiting', async () => {
    const order: string[] = [];
    setTimeout(() => order.push('other work'), 0);
    await new Gate().pass();
    assert.deepEqual(order, ['other work']);
  });

  it('holds back while closed, and frees all when opened; opening and closing may be repeated', async () => {
    const gate = new Gate();
    gate.open();
    gate.close();
    gate.close();
    let passed = 0;
    const all = [1, 2, 3].map(() => gate.pass().then(() => passed++));
    await turn();
    await turn();
    assert.deepEqual([passed, gate.isClosed], [0, true]);
    gate.open();
    await Promise.all(all);
    assert.deepEqual([passed, gate.isClosed], [3, false]);
  });

  it('holds back again who is freed while it closes in the same moment', async () => {
    const gate = new Gate();
    gate.close();
    let passed = false;
    const one = gate.pass().then(() => {
      passed = true;
    });
    await turn();
    await turn();
    gate.open();
    gate.close();
    await turn();
    assert.equal(passed, false);
    gate.open();
    await one;
  });
});
