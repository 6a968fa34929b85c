/**
 * @file What a local network is made of, decided once and kept in its folder (`network.json`), so that the next start
 * resumes the same network. Changing the model or the data of an existing network is refused, never half done.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CliError } from '../errors.js';

export interface NetworkPlan {
  readonly format: 'alice-network-1';
  readonly preset: string;
  /** `builtin`, or the absolute path of a file or folder of text. */
  readonly data: string;
  /** Text that is not valid was left out when the shards were made. */
  readonly skipInvalid?: boolean;
  /** Seed of weights, data order and assignment. */
  readonly seed: string;
  readonly epochSeconds: number;
  readonly createdAtMs: number;
}

export interface PlanRequest {
  readonly preset: string | undefined;
  readonly data: string | undefined;
  readonly skipInvalid?: boolean | undefined;
  readonly epochSeconds: number | undefined;
}

export const DEFAULT_PRESET = 'nano';
/** Short, so that a newcomer sees a settlement within minutes; a public network would take an hour. */
export const DEFAULT_EPOCH_SECONDS = 60;

/** Where things live below the folder of a network. */
export function networkPaths(dir: string) {
  const at = (...parts: string[]): string => join(dir, ...parts);
  return {
    plan: at('network.json'),
    chainSpec: at('chain-spec.json'),
    chain: at('chain'),
    server: at('server'),
    data: at('data'),
    wallets: at('wallets'),
    scorer: at('scorer'),
    inference: at('inference'),
    logs: at('logs'),
    runtime: at('running.json'),
    miner: (n: number) => at('miners', String(n)),
  } as const;
}
export type NetworkPaths = ReturnType<typeof networkPaths>;

/** Reads the plan of an existing network, or makes one. Throws DIR_MISMATCH, DIR_UNUSABLE. */
export function resolvePlan(
  dir: string,
  request: PlanRequest,
  nowMs: number,
): { plan: NetworkPlan; isNew: boolean } {
  const { plan: path } = networkPaths(dir);
  const data =
    request.data === undefined || request.data === 'builtin' ? request.data : resolve(request.data);
  if (!existsSync(path)) {
    const plan: NetworkPlan = {
      format: 'alice-network-1',
      preset: request.preset ?? DEFAULT_PRESET,
      data: data ?? 'builtin',
      ...(request.skipInvalid ? { skipInvalid: true } : {}),
      seed: `alice-${nowMs}`,
      epochSeconds: request.epochSeconds ?? DEFAULT_EPOCH_SECONDS,
      createdAtMs: nowMs,
    };
    return { plan, isNew: true };
  }
  const stored = readPlan(path);
  refuseChange(dir, 'preset', stored.preset, request.preset);
  refuseChange(dir, 'data', stored.data, data);
  return { plan: { ...stored, epochSeconds: request.epochSeconds ?? stored.epochSeconds }, isNew: false };
}

export function savePlan(dir: string, plan: NetworkPlan): void {
  const { plan: path } = networkPaths(dir);
  writeFileSync(`${path}.tmp`, `${JSON.stringify(plan, null, 2)}\n`);
  renameSync(`${path}.tmp`, path);
}

function refuseChange(dir: string, option: string, stored: string, asked: string | undefined): void {
  if (asked === undefined || asked === stored) return;
  throw new CliError(
    { code: 'DIR_MISMATCH', dir },
    `${dir} already holds a network with --${option} ${stored}. Leave --${option} out to resume it, or start another with --dir OTHER`,
  );
}

function readPlan(path: string): NetworkPlan {
  try {
    const plan = JSON.parse(readFileSync(path, 'utf8')) as NetworkPlan;
    if (isPlan(plan)) return plan;
  } catch {
    // falls through to the one error below
  }
  throw new CliError(
    { code: 'DIR_UNUSABLE', dir: path },
    `${path} is damaged or from another version: restore it, or start anew with --dir OTHER`,
  );
}

/** A seed or a length of epochs that is missing would be a new network in the clothes of the old one. */
function isPlan({ format, preset, data, seed, epochSeconds }: NetworkPlan): boolean {
  const texts = [preset, data, seed];
  return (
    format === 'alice-network-1' &&
    texts.every((text) => typeof text === 'string' && text !== '') &&
    Number.isInteger(epochSeconds) &&
    epochSeconds > 0
  );
}
