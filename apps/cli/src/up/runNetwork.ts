/**
 * @file Runs a local network until it is told to stop or has settled enough epochs: prepares the folder, starts the
 * processes in order, prints what happens, writes the report, stops everything.
 */
import { accessSync, constants, existsSync, renameSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ChainClient, initCrypto, type Logger, type NetworkStatus, urlHost } from '@alice/protocol';
import pc from 'picocolors';
import { readSettledEpochs } from '../chain/settledEpochs.js';
import { isLargePreset } from '../commands/presets.js';
import { CliError } from '../errors.js';
import { lockDir } from '../process/dirLock.js';
import { choosePort } from '../process/freePort.js';
import { loopbackOf } from '../process/loopback.js';
import { requireDirectLoopback } from '../process/proxy.js';
import { type ReservedPorts, reservePorts } from '../process/reservedPorts.js';
import { Supervisor } from '../process/supervisor.js';
import { LiveLines, type Screen } from '../terminal/LiveLines.js';
import {
  type ChildOptions,
  inferencePlan,
  minerPlans,
  nodePlan,
  scorerPlan,
  serverPlan,
} from './childPlans.js';
import { liveFigures } from './liveFigures.js';
import { type NetworkPlan, networkPaths, type PlanRequest } from './networkPlan.js';
import { waitForOrphans } from './orphans.js';
import { type PreparedNetwork, prepareNetwork } from './prepareNetwork.js';
import { buildReport, type RunReport, writeReport } from './report.js';
import { readRunning } from './runningNetwork.js';
import { settledSince } from './settledSince.js';
import { readStatus } from './statusReader.js';
import { TerminalView } from './terminalView.js';

export interface UpOptions {
  readonly dir: string;
  readonly request: PlanRequest;
  readonly minerCount: number;
  readonly epochs: number | undefined;
  readonly report: string | undefined;
  readonly port: number | undefined;
  readonly rpcPort: number | undefined;
  readonly host: string;
  readonly beginAnew: number | undefined;
  readonly json: boolean;
}

interface Progress {
  readonly startedMs: number;
  upMs: number;
  firstAcceptedSeconds: number | null;
  firstEpochSeconds: number | null;
  /** −1 when none was settled before. */
  lastEpochAtStart: number | undefined;
}

const POLL_MS = 500;
const SILENT_AFTER_MS = 5_000;

export async function runNetwork(
  options: UpOptions,
  ports: { log: Logger; signal: AbortSignal },
): Promise<RunReport | undefined> {
  loopbackOf(options.host);
  requireDirectLoopback();
  await initCrypto();
  if (options.report !== undefined) checkWritable(options.report);
  const lock = await lockDir(options.dir);
  const live = new LiveLines(options.json ? SILENT : process.stdout);
  const say = (line: string): void => live.say(line);
  const log = clearing(ports.log, live);
  const running: RunPorts['running'] = {};
  const reserved = reservePorts();
  const note = (pids: Record<string, number>): void =>
    noteRunning(options.dir, { ports: running.ports, pids, log });
  const supervisor: Supervisor = new Supervisor(
    { logDir: networkPaths(options.dir).logs, entry: mainScript() },
    { ...ports, log, onChange: () => note({ up: process.pid, ...supervisor.pids() }) },
  );
  try {
    await waitForOrphans(options.dir, { ...ports, log });
    return await startAndWatch(options, { ...ports, log, live, say, supervisor, reserved, running });
  } finally {
    live.clear();
    const started = running.ports !== undefined;
    if (started) say(pc.dim('stopping …'));
    await supervisor.stop();
    if (started && existsSync(options.dir)) note({});
    await reserved.release();
    await lock.release();
    if (started) say(pc.dim(`stopped; "alice up --dir ${options.dir}" goes on from here`));
  }
}

/** A report that cannot be written should be known before the network runs, not after. */
function checkWritable(path: string): void {
  try {
    accessSync(dirname(resolve(path)), constants.W_OK);
  } catch {
    throw new CliError(
      { code: 'OPTION_INVALID', option: '--report' },
      `the report ${path} cannot be written: its folder does not exist or is not writable`,
    );
  }
}

/** What `--json` prints to: only its answer goes out. */
const SILENT: Screen = { write: () => undefined };

/** Warnings go to another stream of the same terminal: the live lines make room, and are drawn again below. */
function clearing(log: Logger, live: LiveLines): Logger {
  const make =
    (level: keyof Logger): Logger[typeof level] =>
    (message, facts) => {
      live.clear();
      log[level](message, facts);
    };
  return { debug: make('debug'), info: make('info'), warn: make('warn'), error: make('error') };
}

interface RunPorts {
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly live: LiveLines;
  readonly say: (line: string) => void;
  readonly supervisor: Supervisor;
  /** By other networks that start in this moment. */
  readonly reserved: ReservedPorts;
  /** How the processes are reached, once they are started. */
  readonly running: { ports?: { serverPort: number; nodePort: number; host: string } };
}

/**
 * Notes where the processes are, for `alice wallet`, `alice doctor` and the next start. A note that cannot be written (a
 * full disk) must not end the network.
 */
function noteRunning(
  dir: string,
  { ports, pids, log }: { ports: RunPorts['running']['ports']; pids: Record<string, number>; log: Logger },
): void {
  const path = networkPaths(dir).runtime;
  try {
    writeFileSync(`${path}.tmp`, `${JSON.stringify({ ...ports, pids }, null, 2)}\n`);
    renameSync(`${path}.tmp`, path);
  } catch (error) {
    log.warn('The addresses of the processes could not be noted', { error });
  }
}

async function startAndWatch(options: UpOptions, ports: RunPorts): Promise<RunReport | undefined> {
  const startedMs = Date.now();
  const { serverPort, nodePort, inferencePort } = await choosePorts(options, ports.reserved);
  const network = await prepareNetwork(
    {
      dir: options.dir,
      request: options.request,
      minerCount: options.minerCount,
      nowMs: startedMs,
      quiet: options.json,
    },
    ports,
  );
  const children: ChildOptions = {
    plan: network.plan,
    paths: network.paths,
    nodePort,
    serverPort,
    inferencePort,
    host: options.host,
    beginAnew: options.beginAnew,
    loopback: urlHost(loopbackOf(options.host)),
    scorerAddress: network.scorer.address,
    minerCount: options.minerCount,
    cores: availableParallelism(),
  };
  ports.say(
    `${pc.bold('Alice')} ${network.isNew ? 'new network' : 'resuming the network'} in ${options.dir}  ${pc.dim(`(${network.plan.preset}, data: ${network.plan.data})`)}`,
  );
  ports.running.ports = { serverPort, nodePort, host: children.loopback };
  await startChildren(children, ports);
  const urls = {
    server: `http://${children.loopback}:${serverPort}`,
    node: `ws://${children.loopback}:${nodePort}`,
    chain: `http://${children.loopback}:${nodePort}`,
  };
  ports.say(
    `\n  ${pc.bold('status page')}  ${pc.underline(urls.server)}\n  ${pc.bold('chain RPC')}    ${urls.node}  ${pc.dim('(opens in @polkadot/api)')}`,
  );
  ports.say(
    `  ${pc.bold('wallets')}      ${network.paths.wallets}\n  ${pc.dim('Ctrl-C stops everything; the next start goes on from here.')}\n`,
  );
  return await watch(options, { ...ports, network, urls, startedMs });
}

/** Before any work is done: a port that was asked for and is in use should be said at once. */
async function choosePorts(
  options: UpOptions,
  reserved: ReservedPorts,
): Promise<{ serverPort: number; nodePort: number; inferencePort: number }> {
  const earlier = readRunning(options.dir);
  const { host } = options;
  const serverPort = await choosePort({
    ...{ asked: options.port, host, option: '--port', reserved },
    preferred: earlier.serverPort ?? 8420,
  });
  const nodePort = await choosePort({
    ...{ asked: options.rpcPort, host, option: '--rpc-port', taken: [serverPort], reserved },
    preferred: earlier.nodePort ?? 9944,
  });
  const inferencePort = await choosePort({
    ...{ asked: undefined, preferred: serverPort + 1, option: '--port', reserved },
    ...{ taken: [serverPort, nodePort], host: loopbackOf(host) },
  });
  return { serverPort, nodePort, inferencePort };
}

async function startChildren(
  children: ChildOptions,
  { live, say, supervisor, signal }: RunPorts,
): Promise<void> {
  for (const plan of [
    nodePlan(children),
    serverPlan(children),
    scorerPlan(children),
    ...minerPlans(children),
  ]) {
    if (signal.aborted) return;
    live.show([pc.dim(`  … ${plan.name}`)]);
    await supervisor.start(plan);
    live.clear();
    say(`  ${pc.green('✓')} ${plan.name}`);
  }
  // Nobody waits for it: training goes on with or without. A large model would take all memory.
  if (isLargePreset(children.plan.preset)) return;
  supervisor.start(inferencePlan(children)).catch(() => undefined);
}

interface WatchPorts extends RunPorts {
  readonly network: PreparedNetwork;
  readonly urls: { server: string; chain: string };
  readonly startedMs: number;
}

/** Follows the network until the signal, the epochs asked for, or a process that cannot be kept running. */
async function watch(options: UpOptions, ports: WatchPorts): Promise<RunReport | undefined> {
  const view = new TerminalView(ports.network.names);
  const progress: Progress = {
    startedMs: ports.startedMs,
    upMs: Date.now(),
    firstAcceptedSeconds: null,
    firstEpochSeconds: null,
    lastEpochAtStart: undefined,
  };
  let status: NetworkStatus | undefined;
  let answeredMs = Date.now();
  const settled = (): number => (status ? settledSince(status, progress.lastEpochAtStart) : 0);
  for (;;) {
    requireFolder(options.dir);
    const fresh = await Promise.race([readStatus(ports.urls.server), ports.supervisor.failed]);
    if (fresh) {
      status = fresh;
      noteProgress(progress, fresh);
      for (const line of view.update(fresh)) ports.say(line);
    }
    if (fresh) answeredMs = Date.now();
    if (status) ports.live.show(liveLines(status, ports.network.plan, answeredMs));
    if (options.epochs !== undefined && settled() >= options.epochs) break;
    if (ports.signal.aborted) break;
    await Promise.race([
      sleep(POLL_MS, undefined, { signal: ports.signal }).catch(() => undefined),
      ports.supervisor.failed,
    ]);
  }
  const report = status ? await makeReport(status, progress, ports) : undefined;
  if (report && options.report) writeReport(options.report, report);
  if (options.epochs !== undefined && settled() < options.epochs)
    throw new CliError(
      { code: 'NOT_SETTLED', epochs: options.epochs ?? 0 },
      `stopped before ${options.epochs} epochs were settled; the network resumes with the same command`,
    );
  return report;
}

/** A server that has not answered for a while is being restarted: figures that stand still must not look alive. */
function liveLines(status: NetworkStatus, { epochSeconds }: NetworkPlan, answeredMs: number): string[] {
  const nowMs = Date.now();
  if (nowMs - answeredMs < SILENT_AFTER_MS) return liveFigures(status, { epochSeconds, nowMs });
  return ['', pc.yellow('  the parameter server does not answer; waiting until it does')];
}

function noteProgress(progress: Progress, status: NetworkStatus): void {
  const seconds = (Date.now() - progress.upMs) / 1000;
  progress.lastEpochAtStart ??= status.epochs.at(-1)?.epoch ?? -1;
  if (status.submissions.accepted > 0) progress.firstAcceptedSeconds ??= seconds;
  if (settledSince(status, progress.lastEpochAtStart) > 0) progress.firstEpochSeconds ??= seconds;
}

/** Whoever deleted the folder wants no network there: going on would train and pay into files that are gone. */
function requireFolder(dir: string): void {
  if (existsSync(networkPaths(dir).plan)) return;
  throw new CliError(
    { code: 'DIR_UNUSABLE', dir },
    `${dir} was deleted or moved while its network ran, so the network was stopped`,
  );
}

async function makeReport(
  status: NetworkStatus,
  progress: Progress,
  ports: WatchPorts,
): Promise<RunReport | undefined> {
  const money = await readSettledEpochs(new ChainClient({ url: ports.urls.chain })).catch(
    (error: unknown) => {
      ports.log.warn('The chain could not be read for the report', { error });
      return undefined;
    },
  );
  if (!money) return undefined;
  const { firstAcceptedSeconds, firstEpochSeconds } = progress;
  return buildReport(status, money, {
    firstAcceptedSeconds,
    firstEpochSeconds,
    restarts: ports.supervisor.restarts,
    wallSeconds: (Date.now() - progress.startedMs) / 1000,
  });
}

function mainScript(): string {
  return fileURLToPath(new URL('../main.js', import.meta.url));
}
