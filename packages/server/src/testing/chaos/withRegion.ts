/**
 * @file An upstream and a regional server below it, each on one machine as `alice server` starts it, with miners at both and
 * scorers at both. The region reaches its upstream through a proxy; both are killed, at whatever stage of a contribution.
 */
import { join } from 'node:path';
import { modelLayout } from '@alice/model';
import { initCrypto, keyPairFromSecret } from '@alice/protocol';
import { openFolderBlobStore } from '../../blobs/BlobStore.js';
import { copyDatabaseTemplate } from '../databaseTemplate.js';
import { createTinyNetwork, tinyModel } from '../tinyNetwork.js';
import { CHAOS_SETTINGS, type ChaosNetwork, chaosParts, startChaosNetwork } from './ChaosNetwork.js';
import { checkOutcome } from './checkOutcome.js';
import { checkRegion } from './checkRegion.js';
import { chainFaults, lineFaults } from './disturbances.js';
import { startFaultProxy } from './faultProxy.js';
import { whileDown } from './oneMachine.js';

const REGION_SECRET = '//region';
const [REGION_MINERS, OWN_MINERS] = [6, 2];
/** A contribution needs a round of the region inside one of the upstream, on a busy machine too. */
const ROUND = { windowMs: 8_000, uploadMs: 6_000, maxRoundMs: 20_000 };

export function startWithRegion(): Promise<ChaosNetwork> {
  return startChaosNetwork(async (undo) => {
    await initCrypto();
    const network = await createTinyNetwork();
    undo.push(() => network.remove());
    const { dir } = network;
    await copyDatabaseTemplate(join(dir, 'region'));
    const parts = await chaosParts(undo, dir);
    const { chain, chainUrl, start } = parts;
    const regionKey = keyPairFromSecret(REGION_SECRET);
    const settings = { ...CHAOS_SETTINGS, ...{ dir, chainUrl }, round: ROUND };
    const upstream = start({
      ...{ name: 'upstream', script: './nodeRole.js' },
      settings: { ...settings, node: 'server', regions: [regionKey.address] },
    });
    const above = await startFaultProxy(() => (upstream.url ? [upstream.url] : []));
    undo.push(() => above.close());
    await upstream.up();
    const region = start({
      ...{ name: 'region', script: './nodeRole.js' },
      settings: { ...settings, node: 'region', secret: REGION_SECRET, upstream: { url: above.url } },
    });
    const below = await startFaultProxy(() => (region.url ? [region.url] : []));
    undo.push(() => below.close());
    const scorers = [...parts.scorers(above.url, 'upstream-scorer'), ...parts.scorers(below.url, 'scorer')];
    const own = parts.miners('upstream-miners', { url: above.url, miners: OWN_MINERS, wallet: 'miner' });
    const miners = parts.miners('miners', { url: below.url, miners: REGION_MINERS, wallet: 'north' });
    // The servers twice: what is between them is what this network is about.
    const processes = [upstream, region, upstream, region, ...scorers, own.process, miners.process];
    await Promise.all(processes.map((one) => one.up()));
    const states = [
      { server: upstream, dir: join(dir, 'server') },
      { server: region, dir: join(dir, 'region') },
    ];
    return {
      ...{ logs: parts.logs, chain, processes, acknowledgement: parts.acknowledgement },
      urls: () => [above.url, below.url],
      restMs: 6_000,
      faults: [
        ...lineFaults(above, ' to the upstream'),
        ...lineFaults(below, ' to the region'),
        ...chainFaults(chain),
      ],
      look: (read) => whileDown(states, read),
      check: async () => {
        for (const one of scorers) await one.stop();
        return whileDown(states, async ([above, below]) => {
          const outcome = await checkOutcome({
            ...{ acknowledged: own.acknowledged, db: above!, chain, layout: modelLayout(tinyModel) },
            seed: network.options.seed,
            blobs: openFolderBlobStore(join(dir, 'server', 'blobs')),
          });
          const region = await checkRegion({
            ...{ upstream: above!, region: below!, acknowledged: miners.acknowledged, chain },
            regionAddress: regionKey.address,
          });
          return { ...outcome, region };
        });
      },
      stopMiners: async () => {
        await own.process.stop();
        await miners.process.stop();
      },
    };
  });
}
