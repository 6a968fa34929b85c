/** @file The program of a miner that trains, on the device it is started for (see RemoteTrainer.ts). */
import { nodePlatformOn, servedDevice } from '@alice/engine/node';
import { engineCompute } from './compute.js';
import { serveTraining } from './serveTraining.js';

export interface TrainingSettings {
  /** Of gradients. */
  readonly precision: 'fp32' | 'fp16';
}

const { port, device, settings } = servedDevice<TrainingSettings>();
serveTraining(port, engineCompute(nodePlatformOn(device), settings.precision));
