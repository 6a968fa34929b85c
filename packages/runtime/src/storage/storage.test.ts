/** @file Storage: Substrate's published keys, and the overlay against a plain model of rollback. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { fromHex, type HexString, initCrypto, toHex } from '@alice/protocol';
import fc from 'fast-check';
import { account, blockHash } from '../pallets/system/storage.js';
import { now } from '../pallets/timestamp/index.js';
import { events } from '../wiring.js';
import { Overlay } from './Overlay.js';

before(initCrypto);

describe('storage keys', () => {
  it('are the ones every Substrate chain uses', () => {
    assert.equal(now.prefix().hex, '0xf0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb');
    assert.equal(events.prefix().hex, '0x26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7');
    const alice = fromHex('0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d');
    assert.equal(
      account.keyOf(alice).hex,
      '0x26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9' +
        'de1e86a9a8c739864cf3cc5ec2bea59fd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d',
    );
    assert.deepEqual(account.keyFrom(account.keyOf(alice).bytes), alice);
    assert.equal(
      blockHash.keyOf(0).hex,
      '0x26aa394eea5630e07c48ae0c9558cef7a44704b568d21667356a5a050c118746b4def25cfda6ef3a00000000',
    );
  });
});

type Step = { readonly key: number; readonly value: number | null } | 'mark' | 'back';

const keyOf = (index: number) => ({ bytes: Uint8Array.of(index), hex: toHex(Uint8Array.of(index)) });

describe('Overlay', () => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ key: fc.nat(5), value: fc.option(fc.nat(3)) }),
    fc.constantFrom<Step>('mark', 'back'),
  );

  it('reads, rolls back and reports changes like a model that copies everything', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('0', '1', '2'), fc.nat(3)),
        fc.array(step),
        (committed, steps) => {
          const base = new Map<HexString, Uint8Array>(
            Object.entries(committed).map(([key, value]) => [keyOf(Number(key)).hex, Uint8Array.of(value)]),
          );
          const overlay = new Overlay({ get: (key) => base.get(toHex(key)) });
          let model = new Map(base);
          const marks: { mark: number; saved: Map<HexString, Uint8Array> }[] = [];
          for (const action of steps) {
            if (action === 'mark') marks.push({ mark: overlay.checkpoint(), saved: new Map(model) });
            else if (action === 'back') {
              const last = marks.pop();
              if (!last) continue;
              overlay.rollback(last.mark);
              model = last.saved;
            } else {
              const { hex } = keyOf(action.key);
              const value = action.value === null ? undefined : Uint8Array.of(action.value);
              overlay.write(keyOf(action.key), value);
              if (value) model.set(hex, value);
              else model.delete(hex);
            }
            for (let key = 0; key <= 5; key++)
              assert.deepEqual(overlay.read(keyOf(key)), model.get(keyOf(key).hex));
          }
          const changed = new Map(base);
          for (const [key, value] of overlay.changes()) {
            assert.notDeepEqual(base.get(key) ?? null, value, 'an unchanged key is reported');
            if (value === null) changed.delete(key);
            else changed.set(key, value);
          }
          assert.deepEqual(new Map([...changed].sort()), new Map([...model].sort()));
        },
      ),
    );
  });
});
