/**
 * @file An example's stand-ins made real: addresses of a network that runs, ids it has given, ports that are free, and
 * fewer training steps. What a document means and how a command is spelled stay as they are.
 */

/** What the network that the examples share has to offer. */
export interface NetworkFacts {
  readonly serverUrl: string;
  readonly chainUrl: string;
  readonly submissionId: string;
  readonly version: number;
  /** Settled, with all of its receipts public. */
  readonly epoch: number;
  readonly minerAddress: string;
  readonly scorerAddress: string;
  readonly dataDir: string;
}

/** Addresses that a block's own server, chain, endpoint or mirror listens on. */
export interface OwnPorts {
  readonly server: number;
  readonly chain: number;
  readonly inference: number;
  readonly mirror: number;
}

const STEPS = 2;

/** `block`: the whole block the command stands in. What it starts itself is what its standard ports mean. */
export function bindExample(
  command: string,
  block: readonly string[],
  { facts, ports }: { readonly facts: NetworkFacts; readonly ports: OwnPorts },
): string {
  const starts = (verb: RegExp): boolean => block.some((line) => verb.test(line));
  const ownUrl = (port: number): string => `http://127.0.0.1:${port}`;
  const server = starts(/\balice server (?!ban|unban|backup|restore|--help)/)
    ? ownUrl(ports.server)
    : facts.serverUrl;
  const chain = starts(/\balice node --spec/) ? ownUrl(ports.chain) : facts.chainUrl;
  const replaced = REPLACED.reduce<string>(
    (text, [pattern, by]) => text.replace(pattern, (...found) => by({ facts, server, chain, ports }, found)),
    withOwnWallets(command, block),
  );
  return withPort(withChain(withServer(replaced, server), chain), ports);
}

/** Where a block makes wallets for its server and scorer, their addresses are meant; bash reads them from the files. */
function withOwnWallets(command: string, block: readonly string[]): string {
  const own = (name: string, standIn: RegExp, text: string): string =>
    block.some((line) => line.includes(`alice wallet new ${name}`))
      ? text.replace(standIn, `$(node -p "require('./.alice/wallets/${name}.json').address")`)
      : text;
  return own('scorer', /\bSCORER_ADDRESS\b/, own('server', /(?<=--parameter-server )ADDRESS\b/, command));
}

/** Commands of a miner that name no server ask that of the standard port. */
function withServer(command: string, server: string): string {
  return /\balice(?: --)? miner\b/.test(command) && !command.includes('--server ')
    ? `${command} --server ${server}`
    : command;
}

/** A server that names no chain node asks that of the standard port. */
function withChain(command: string, chain: string): string {
  return /\balice(?: --)? server --(?!help|upstream)/.test(command) && !command.includes('--chain ')
    ? `${command} --chain ${chain}`
    : command;
}

interface Real {
  readonly facts: NetworkFacts;
  readonly server: string;
  readonly chain: string;
  readonly ports: OwnPorts;
}

const REPLACED: readonly (readonly [RegExp, (real: Real, found: readonly string[]) => string])[] = [
  [/https:\/\/alice\.example/g, ({ server }) => server],
  [/http:\/\/127\.0\.0\.1:8420/g, ({ server }) => server],
  [/http:\/\/127\.0\.0\.1:994[45]/g, ({ chain }) => chain],
  [/http:\/\/127\.0\.0\.1:8421/g, ({ ports }) => `http://127.0.0.1:${ports.inference}`],
  [/--chain URL/g, ({ chain }) => `--chain ${chain}`],
  [/\bURL\b/g, ({ server }) => server],
  [/--submission ID\b/g, ({ facts }) => `--submission ${facts.submissionId}`],
  [/verify-round (?:\d+|N)\b/g, ({ facts }) => `verify-round ${facts.version}`],
  [/verify-epoch (?:\d+|E)\b/g, ({ facts }) => `verify-epoch ${facts.epoch}`],
  [/SCORER_ADDRESS/g, ({ facts }) => facts.scorerAddress],
  [/\bADDRESS\b/g, ({ facts }) => facts.minerAddress],
  [/(--data|verify|serve) DIR\b/g, ({ facts }, [, verb]) => `${verb} ${facts.dataDir}`],
  [/--port 8421/g, ({ ports }) => `--port ${ports.inference}`],
  [/--port 8422/g, ({ ports }) => `--port ${ports.mirror}`],
  [/--steps \d+/g, () => `--steps ${STEPS}`],
];

/** Standard ports may be in use here. */
const LISTENERS: readonly (readonly [RegExp, keyof OwnPorts])[] = [
  [/\balice(?: --)? node --spec/, 'chain'],
  [/\balice(?: --)? server --(?!help)/, 'server'],
  [/\balice(?: --)? serve\b/, 'inference'],
];

function withPort(command: string, ports: OwnPorts): string {
  if (/ --port /.test(command)) return command;
  const [, own] = LISTENERS.find(([pattern]) => pattern.test(command)) ?? [];
  return own === undefined ? command : `${command} --port ${ports[own]}`;
}
