/** @file The command lines of a local network's processes: each is an ordinary `alice` command a person could type. */
import { join } from 'node:path';
import { isLargePreset } from '../commands/presets.js';
import { loopbackOf } from '../process/loopback.js';
import type { ChildPlan } from '../process/supervisor.js';
import type { NetworkPaths, NetworkPlan } from './networkPlan.js';

/** One block each two seconds: quick enough to watch, slow enough to cost nothing. */
const BLOCK_MS = 2000;

export interface ChildOptions {
  readonly plan: NetworkPlan;
  readonly paths: NetworkPaths;
  readonly nodePort: number;
  readonly serverPort: number;
  readonly inferencePort: number;
  /** Where chain and server listen. */
  readonly host: string;
  readonly beginAnew?: number | undefined;
  /** By which the processes reach each other, as it stands before a port. */
  readonly loopback: string;
  readonly scorerAddress: string;
  readonly minerCount: number;
  readonly cores: number;
}

export function nodePlan({ paths, nodePort, host }: ChildOptions): ChildPlan {
  return {
    name: 'node',
    args: [
      'node',
      '--dir',
      paths.chain,
      '--spec',
      paths.chainSpec,
      '--port',
      String(nodePort),
      '--host',
      host,
      '--block-ms',
      String(BLOCK_MS),
      '--log',
      'json',
    ],
  };
}

export function serverPlan(options: ChildOptions): ChildPlan {
  const { plan, paths, nodePort, serverPort, inferencePort, host, loopback, scorerAddress } = options;
  return {
    name: 'server',
    args: [
      'server',
      '--dir',
      paths.server,
      '--data',
      paths.data,
      '--preset',
      plan.preset,
      '--seed',
      plan.seed,
      '--key-file',
      join(paths.wallets, 'server.json'),
      '--chain',
      `http://${loopback}:${nodePort}`,
      '--port',
      String(serverPort),
      '--host',
      host,
      '--epoch-seconds',
      String(plan.epochSeconds),
      '--scorer',
      scorerAddress,
      ...(options.beginAnew === undefined ? [] : ['--begin-anew', String(options.beginAnew)]),
      // Nobody answers there for a large model: it would take all memory.
      ...(isLargePreset(plan.preset) ? [] : ['--inference', `http://${loopback}:${inferencePort}`]),
      '--log',
      'json',
    ],
  };
}

/** Talks when somebody asks, and otherwise leaves processor and memory to the miners. */
export function inferencePlan({ paths, serverPort, inferencePort, host, loopback }: ChildOptions): ChildPlan {
  return {
    name: 'inference',
    isOptional: true,
    args: [
      'serve',
      '--server',
      `http://${loopback}:${serverPort}`,
      '--port',
      String(inferencePort),
      '--host',
      loopbackOf(host),
      '--threads',
      '1',
      '--on-demand',
      '--background',
      '--samples',
      join(paths.inference, 'samples.json'),
      '--log',
      'json',
    ],
  };
}

/** The scorer works while the miners wait for its verdict, so it may use every core. */
export function scorerPlan({ plan, paths, serverPort, cores, loopback }: ChildOptions): ChildPlan {
  return {
    name: 'scorer',
    args: [
      'scorer',
      '--server',
      `http://${loopback}:${serverPort}`,
      '--key-file',
      join(paths.wallets, 'scorer.json'),
      '--dir',
      paths.scorer,
      '--threads',
      String(Math.min(cores, 4)),
      ...weightsOf(plan),
      '--log',
      'json',
    ],
  };
}

/** All of them share one memory: no process may plan with it for itself. */
function weightsOf({ preset }: NetworkPlan): string[] {
  return isLargePreset(preset) ? ['--weights', 'disk'] : [];
}

export function minerPlans({
  plan,
  paths,
  serverPort,
  minerCount,
  cores,
  loopback,
}: ChildOptions): ChildPlan[] {
  const threads = Math.max(1, Math.floor(cores / minerCount));
  return Array.from({ length: minerCount }, (_, i) => ({
    name: `miner-${i + 1}`,
    args: [
      'miner',
      '--server',
      `http://${loopback}:${serverPort}`,
      '--key-file',
      join(paths.wallets, `miner-${i + 1}.json`),
      '--dir',
      paths.miner(i + 1),
      '--threads',
      String(threads),
      ...weightsOf(plan),
      '--log',
      'json',
    ],
  }));
}
