/**
 * @file Makes the folder of a local network complete: plan, wallets, shards, chain specification. Every step is skipped
 * when its result is already there, so an interrupted first start simply goes on.
 */
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { DataError, openDataset, verifyDataset } from '@alice/data';
import type { KeyPair, Logger } from '@alice/protocol';
import { buildShards } from '../dataset/buildShards.js';
import { withShardProgress } from '../dataset/shardProgress.js';
import { tokenizerIdOf } from '../dataset/tokenizerOf.js';
import { CliError } from '../errors.js';
import { ensureLocalWallet, walletPath } from '../wallet/walletStore.js';
import {
  type NetworkPaths,
  type NetworkPlan,
  networkPaths,
  type PlanRequest,
  resolvePlan,
  savePlan,
} from './networkPlan.js';

/** Enough for thousands of fees, and the only balance that exists before the first epoch (CHAIN-1). */
const GENESIS_FEE_PLANCK = 1_000_000_000_000n;

/** Fixed, so that a first start that was interrupted finds the shards it had already made. */
const DATA_SEED = 'alice';

export interface PreparedNetwork {
  readonly plan: NetworkPlan;
  readonly paths: NetworkPaths;
  readonly isNew: boolean;
  readonly server: KeyPair;
  readonly scorer: KeyPair;
  readonly miners: readonly KeyPair[];
  /** address → wallet name. */
  readonly names: ReadonlyMap<string, string>;
}

export async function prepareNetwork(
  options: { dir: string; request: PlanRequest; minerCount: number; nowMs: number; quiet: boolean },
  ports: { log: Logger; signal: AbortSignal },
): Promise<PreparedNetwork> {
  const { plan, isNew } = resolvePlan(options.dir, options.request, options.nowMs);
  const paths = networkPaths(options.dir);
  if (isNew || !(await hasWholeShards(paths.data, options.quiet))) {
    const { source, tokenizerId } = { source: plan.data, tokenizerId: tokenizerIdOf(plan.preset) };
    const work = { source, tokenizerId, seed: DATA_SEED, outDir: paths.data, quiet: options.quiet };
    await buildShards({ ...work, skipInvalid: plan.skipInvalid === true, replace: isNew }, ports);
  }
  savePlan(options.dir, plan);
  const names = [
    'server',
    'scorer',
    ...Array.from({ length: options.minerCount }, (_, i) => `miner-${i + 1}`),
  ];
  const keys: KeyPair[] = [];
  if (!isNew && existsSync(paths.chainSpec)) requireServerWallet(paths);
  for (const name of names) keys.push(await ensureLocalWallet(paths.wallets, name));
  const [server, scorer, ...miners] = keys as [KeyPair, KeyPair, ...KeyPair[]];
  if (!existsSync(paths.chainSpec)) writeChainSpec(paths.chainSpec, server.address, options.nowMs);
  return {
    plan,
    paths,
    isNew,
    server,
    scorer,
    miners,
    names: new Map(keys.map((key, i) => [key.address as string, names[i]!])),
  };
}

/** The chain pays out what this key reports; another key would be another network. */
function requireServerWallet({ wallets }: NetworkPaths): void {
  const path = walletPath(wallets, 'server');
  if (existsSync(path)) return;
  throw new CliError(
    { code: 'WALLET_NOT_FOUND', name: path },
    `${path} is gone, and this network cannot go on with another key: put it back, or start another network with --dir OTHER`,
  );
}

/** A network trains on the shards it was made with: the text they came from may have changed since, or be gone. */
async function hasWholeShards(dir: string, quiet: boolean): Promise<boolean> {
  try {
    const { manifest } = openDataset(dir);
    const report = await withShardProgress({ label: 'checking shards', manifest, quiet }, (onShard) =>
      verifyDataset(dir, { onShard }),
    );
    return report.problems.length === 0;
  } catch (error) {
    if (error instanceof DataError) return false; // built again below, or refused with the reason
    throw error;
  }
}

function writeChainSpec(path: string, serverAddress: string, nowMs: number): void {
  const spec = {
    chainName: 'Alice Local',
    timestampMs: nowMs,
    balances: [{ address: serverAddress, planck: GENESIS_FEE_PLANCK.toString() }],
    parameterServer: serverAddress,
    feeCollector: serverAddress,
  };
  writeFileSync(`${path}.tmp`, `${JSON.stringify(spec, null, 2)}\n`);
  renameSync(`${path}.tmp`, path);
}
