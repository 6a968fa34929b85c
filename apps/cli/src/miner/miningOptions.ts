/** @file How a miner works: the options that `alice miner` and the service it is installed as have in common. */
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { integerOption, urlOption } from '../options.js';
import { CA_OPTION } from '../process/trustedCa.js';
import {
  type DeviceFlags,
  type PrecisionFlags,
  withDeviceOption,
  withPrecisionOption,
} from '../training/deviceOption.js';
import { type WeightsFlags, withWeightsOption } from '../training/weightsOption.js';
import { parseSchedule, type Schedule } from './schedule.js';

export interface MiningFlags extends DeviceFlags, PrecisionFlags, WeightsFlags {
  ca?: string;
  rewardAddress?: string;
  instance: string;
  threads: number;
  dataMirror: string[];
  modelMirror: string[];
  schedule?: Schedule;
  pauseOnBattery?: boolean;
}

export function withMiningOptions(command: Command): Command {
  command
    .option(...CA_OPTION)
    .option('--reward-address <address>', 'pay another address than the one that signs')
    .option('--instance <name>', 'name of this machine among yours', 'main')
    .option(
      '--threads <n>',
      'processor threads to use',
      integerOption('--threads', 1, 256),
      availableParallelism(),
    )
    .option(
      '--data-mirror <url>',
      'web server with the files of the dataset, asked before the parameter server (may be repeated)',
      urlsOption('--data-mirror'),
      [],
    )
    .option(
      '--model-mirror <url>',
      'web server or public bucket with the blobs of the parameter server, asked for weights before it (may be repeated)',
      urlsOption('--model-mirror'),
      [],
    )
    .option(
      '--schedule <times>',
      'take tasks only then, by the local clock: 22:00-07:00, or several such spans separated by commas',
      parseSchedule,
    )
    .option('--pause-on-battery', 'take no task while this computer runs on its battery');
  return withWeightsOption(withPrecisionOption(withDeviceOption(command)));
}

function urlsOption(name: string): (url: string, before: string[]) => string[] {
  return (url, before) => [...before, urlOption(name)(url)];
}

/** Those of the command's options so far that are typed, as they are typed; files by their whole path. Filled by parsing. */
export function miningOptionsGiven(command: Command): readonly string[] {
  const given: string[] = [];
  for (const option of command.options)
    command.on(`option:${option.name()}`, (value: unknown) => {
      given.push(option.long!);
      if (typeof value === 'string') given.push(option.name() === 'ca' ? resolve(value) : value);
    });
  return given;
}
