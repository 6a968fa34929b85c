/**
 * @file Metadata against polkadot-api's own codec builder: keys, values, calls and constants built FROM the metadata
 * must be the bytes this package writes without it.
 */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { addressOf, initCrypto, toHex } from '@alice/protocol';
import { getDynamicBuilder, getLookupFn } from '@polkadot-api/metadata-builders';
import { metadata as metadataCodec, unifyMetadata } from '@polkadot-api/substrate-bindings';
import { contributions, epochs } from '../pallets/proofOfGradient/storage.js';
import { account } from '../pallets/system/storage.js';
import { encode } from '../scale/ScaleType.js';
import { extrinsicHash } from '../storage/hashing.js';
import { callOf, reportOf, TestChain, transferTo } from '../testing.js';
import { pallets, runtimeCall } from '../wiring.js';
import { buildMetadata } from './buildMetadata.js';
import { METADATA_DIGEST } from './metadataDigest.js';

const METADATA_HASH = '0xc5e0a97af6a8925c870141a18aea03c5cb2994b8b78c0e0dfde6d851d02dca4d';

before(initCrypto);

const builderOf = (bytes: Uint8Array) => {
  const unified = unifyMetadata(metadataCodec.dec(bytes));
  return { unified, build: getDynamicBuilder(getLookupFn(unified)) };
};

describe('metadata', () => {
  it('is the same every time and says the same in both versions', () => {
    const { v14, v15 } = buildMetadata();
    assert.deepEqual(buildMetadata(), { v14, v15 });
    assert.deepEqual([...v14.slice(0, 5)], [0x6d, 0x65, 0x74, 0x61, 14]);
    assert.deepEqual([...v15.slice(0, 5)], [0x6d, 0x65, 0x74, 0x61, 15]);
    const names = (bytes: Uint8Array) =>
      builderOf(bytes).unified.pallets.map(({ name, index }) => [name, index]);
    const expected = [
      ['System', 0],
      ['Timestamp', 1],
      ['Balances', 4],
      ['TransactionPayment', 5],
      ['Staking', 6],
      ['Session', 7],
      ['ProofOfGradient', 10],
      ['Utility', 11],
      ['Sudo', 12],
      ['Proxy', 13],
      ['Treasury', 14],
    ];
    assert.deepEqual(names(v14), expected);
    assert.deepEqual(names(v15), expected);
  });

  it('leads to the same storage keys', () => {
    const { build } = builderOf(buildMetadata().v15);
    const { alice } = new TestChain().people;
    assert.equal(
      build.buildStorage('System', 'Account').keys.enc(alice.address),
      account.keyOf(alice.publicKey).hex,
    );
    assert.equal(build.buildStorage('ProofOfGradient', 'Epochs').keys.enc(7), epochs.keyOf(7).hex);
    for (const pallet of pallets)
      for (const item of pallet.storage) {
        if (item.map) continue;
        assert.equal(
          build.buildStorage(pallet.name, item.name).keys.enc(),
          item.prefix().hex,
          `${pallet.name}.${item.name}`,
        );
      }
  });

  it('leads to the same values', () => {
    const { build } = builderOf(buildMetadata().v15);
    const chain = new TestChain();
    const { alice, bob, server } = chain.people;
    const scores = [
      { account: alice.publicKey, role: 'Training', score: 5n },
      { account: bob.publicKey, role: 'Scoring', score: 6n },
    ];
    assert.equal(chain.run(server, reportOf(0, scores)), undefined);
    const stored = (key: { hex: `0x${string}` }) => toHex(chain.state.get(key.hex)!);
    const epoch = build.buildStorage('ProofOfGradient', 'Epochs').value.dec(stored(epochs.keyOf(0)));
    assert.equal(epoch.minted, epochs.get(chain.access, 0)!.minted);
    assert.equal(epoch.held_out_loss, 10_825_000_000n);
    const contribution = build
      .buildStorage('ProofOfGradient', 'Contributions')
      .value.dec(stored(contributions.keyOf(alice.publicKey)));
    assert.deepEqual(contribution, contributions.get(chain.access, alice.publicKey));
    assert.equal(
      build.buildStorage('System', 'Account').value.dec(stored(account.keyOf(bob.publicKey))).data.free,
      chain.free(bob),
    );
  });

  it('leads to the same defaults', () => {
    const { unified, build } = builderOf(buildMetadata().v15);
    for (const pallet of unified.pallets)
      for (const item of pallet.storage?.items ?? []) {
        if (item.modifier === 0) continue;
        const { value } = build.buildStorage(pallet.name, item.name);
        assert.equal(
          toHex(value.enc(value.dec(item.fallback))),
          item.fallback,
          `${pallet.name}.${item.name}`,
        );
      }
  });

  it('leads to the same calls', () => {
    const { build } = builderOf(buildMetadata().v15);
    const { alice, carol } = new TestChain().people;
    const callBytes = (pallet: string, name: string, args: unknown): string => {
      const { codec, location } = build.buildCall(pallet, name);
      return toHex(Uint8Array.of(...location, ...codec.enc(args)));
    };
    const dest = { type: 'Id', value: carol.address };
    assert.equal(
      callBytes('Balances', 'transfer_keep_alive', { dest, value: 12n }),
      toHex(encode(runtimeCall, transferTo(carol, 12n, 'transfer_keep_alive'))),
    );
    assert.equal(
      callBytes('Balances', 'transfer_all', { dest, keep_alive: true }),
      toHex(
        encode(
          runtimeCall,
          callOf('Balances', 'transfer_all', {
            dest: { type: 'Id', value: carol.publicKey },
            keep_alive: true,
          }),
        ),
      ),
    );
    const zero = `0x${'00'.repeat(32)}`;
    const facts = {
      epoch: 3,
      from_version: 0,
      to_version: 1,
      state_root: zero,
      held_out_loss: 10_825_000_000n,
      shards_covered: 1,
      receipts_root: zero,
    };
    const theirs = [
      {
        account: addressOf(alice.publicKey),
        role: { type: 'Infrastructure', value: undefined },
        score: 1n << 90n,
      },
    ];
    const ours = [{ account: alice.publicKey, role: 'Infrastructure', score: 1n << 90n }];
    assert.equal(
      callBytes('ProofOfGradient', 'submit_epoch', { ...facts, scores: theirs }),
      toHex(encode(runtimeCall, reportOf(3, ours))),
    );
  });

  it('keeps the indices that transactions and errors are made of', () => {
    const indices = pallets.map(({ name, index, calls }) => [
      `${name} ${index}`,
      ...Object.entries(calls ?? {}).map(([call, { index: callIndex }]) => `${call} ${callIndex}`),
    ]);
    assert.deepEqual(indices, [
      ['System 0', 'remark 0'],
      ['Timestamp 1', 'set 0'],
      ['Balances 4', 'transfer_allow_death 0', 'transfer_keep_alive 3', 'transfer_all 4'],
      ['TransactionPayment 5'],
      [
        'Staking 6',
        'bond 0',
        'bond_extra 1',
        'unbond 2',
        'withdraw_unbonded 3',
        'validate 4',
        'chill 6',
        'cancel_deferred_slash 17',
        'slash 30',
        'set_rules 31',
        'report_evidence 40',
      ],
      ['Session 7', 'set_keys 0', 'purge_keys 1', 'note_absent 10'],
      [
        'ProofOfGradient 10',
        'submit_epoch 0',
        'begin_epoch 1',
        'submit_scores 2',
        'finish_epoch 3',
        'abort_epoch 4',
        'set_reward_address 5',
        'clear_reward_address 6',
        'set_role_shares 20',
        'set_role_account 21',
        'set_parameter_server 22',
      ],
      ['Utility 11', 'batch 0', 'batch_all 2', 'force_batch 4'],
      ['Sudo 12', 'sudo 0', 'set_key 2', 'remove_key 4'],
      ['Proxy 13', 'proxy 0', 'add_proxy 1', 'remove_proxy 2', 'remove_proxies 3'],
      ['Treasury 14', 'spend 0'],
    ]);
  });

  it('has the digest that hardware wallets compute, and takes transactions signed with it', async () => {
    const { merkleizeMetadata } = await import('@polkadot-api/merkleize-metadata');
    const digest = merkleizeMetadata(buildMetadata().v15, { decimals: 12, tokenSymbol: 'ALICE' }).digest();
    // After an intended change of the metadata: put the new digest into metadataDigest.ts.
    assert.equal(METADATA_DIGEST, toHex(digest));
    const chain = new TestChain();
    const { alice, bob } = chain.people;
    const signed = chain.sign(alice, transferTo(bob, 1_000n), {
      metadataHashMode: 'Enabled',
      additional: { CheckMetadataHash: digest },
    });
    assert.equal(chain.runtime.validate(chain.view, signed).valid, true);
    assert.equal(chain.build([signed]).results[1]!.error, undefined);
  });

  it('changes only together with SPEC_VERSION', () => {
    // After an intended change of the metadata: raise SPEC_VERSION, then put the new hash here.
    assert.equal(extrinsicHash(buildMetadata().v15), METADATA_HASH);
  });
});
