/**
 * @file What a person sees before a miner's first task: the network, this machine, how fast it trains the model, and what
 * that may earn. Reads only; whatever cannot be found out is said and skipped, mining starts regardless.
 */
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { type ModelMessage, messageOf, ServerClient } from '@alice/protocol';
import pc from 'picocolors';
import { proxyHint } from '../process/proxy.js';
import { createProgress } from '../progressBar.js';
import { compact, shortAlice } from '../up/terminalView.js';
import { type EarningsEstimate, estimateEarnings } from './earningsEstimate.js';

export interface FirstRunReport {
  readonly network?: { readonly model: string; readonly version: number; readonly miners: number };
  readonly device: {
    readonly name: string;
    readonly threads: number;
    readonly cores: number;
    readonly memoryBytes: number;
    readonly freeMemoryBytes: number;
  };
  readonly earnings?: Omit<EarningsEstimate, 'planckPerHour'> & { readonly planckPerHour: string | null };
  /** What could not be found out. */
  readonly problems: readonly string[];
}

export async function firstRun(options: {
  serverUrl: string;
  threads: number;
  quiet: boolean;
}): Promise<FirstRunReport> {
  const { serverUrl, threads, quiet } = options;
  const device = {
    ...{ name: (cpus()[0]?.model ?? process.arch).trim(), threads, cores: availableParallelism() },
    ...{ memoryBytes: totalmem(), freeMemoryBytes: freemem() },
  };
  const client = new ServerClient({ url: serverUrl, attempts: 1 });
  try {
    const [network, status] = await Promise.all([client.network(), client.status()]);
    const found = {
      ...{ model: network.model.name, version: network.latestVersion },
      miners: status.miners.filter(({ role }) => role === 'miner').length,
    };
    const tokensPerSecond = await speedOn(network.model, { threads, quiet });
    if (tokensPerSecond === undefined)
      return {
        network: found,
        device,
        problems: [`${network.model.name} is too large to try out beforehand`],
      };
    const { planckPerHour, ...rest } = estimateEarnings(status, tokensPerSecond);
    return {
      network: found,
      device,
      earnings: { ...rest, planckPerHour: planckPerHour?.toString() ?? null },
      problems: [],
    };
  } catch (error) {
    return { device, problems: [`${messageOf(error)}${proxyHint()}`] };
  }
}

async function speedOn(
  model: ModelMessage,
  { threads, quiet }: { threads: number; quiet: boolean },
): Promise<number | undefined> {
  const [{ checkConfig, parameterCount }, { LARGEST_MEASURED, measureSpeed }] = await Promise.all([
    import('@alice/model'),
    import('./measureSpeed.js'),
  ]);
  const config = checkConfig(model);
  if (parameterCount(config) > LARGEST_MEASURED) return undefined;
  const progress = createProgress('measuring this machine', { unit: '%', quiet, scale: 100 });
  try {
    return await measureSpeed(config, { threads, onStep: (done) => progress.update(done, 1) });
  } finally {
    progress.stop();
  }
}

/** The report as lines for a person. */
export function firstRunLines({ network, device, earnings, problems }: FirstRunReport): string[] {
  const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  const row = (name: string, text: string): string => `  ${name.padEnd(10)} ${text}`;
  return [
    ...(network
      ? [
          row(
            'network',
            `model ${network.model}, version ${network.version}, ${network.miners} miner(s) known`,
          ),
        ]
      : []),
    row('machine', `${device.name}, ${device.threads} of ${device.cores} threads`),
    row('memory', `${gib(device.freeMemoryBytes)} of ${gib(device.memoryBytes)} free`),
    ...(earnings ? earningLines(earnings, row) : []),
    ...problems.map((problem) => pc.yellow(row('note', problem))),
  ];
}

function earningLines(
  {
    ownTokensPerSecond,
    networkTokensPerSecond,
    share,
    planckPerHour,
  }: NonNullable<FirstRunReport['earnings']>,
  row: (name: string, text: string) => string,
): string[] {
  const speed = `${compact(Math.round(ownTokensPerSecond))} tokens/s; the network does ${compact(Math.round(networkTokensPerSecond))} tokens/s`;
  const may =
    planckPerHour === null
      ? 'not known before the first settlement'
      : `about ${pc.bold(shortAlice(planckPerHour))} ALICE an hour, ${(100 * share).toFixed(0)} % of the training rewards`;
  return [
    row('speed', speed),
    row('may earn', may),
    row('', pc.dim('if all stays as it is; only verified work is paid')),
  ];
}
