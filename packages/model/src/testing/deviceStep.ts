/**
 * @file A program: one step of training of a small model on the device named by its argument, as JSON. It is run in a
 * process of its own, since a graphics driver is found through the environment a process starts with.
 */
import { type DeviceName, nodePlatformOn } from '@alice/engine/node';
import { bytesOf, seededRandom } from '@alice/protocol';
import { createGradientFunction } from '../createGradientFunction.js';
import { createLossFunction } from '../createLossFunction.js';
import { initParameters } from '../initParameters.js';
import { checkConfig } from '../ModelConfig.js';
import { resolveModel } from '../presets.js';

export interface DeviceStep {
  readonly lossNats: number;
  readonly rowLosses: readonly number[];
  /** Base64 of little-endian FP32. */
  readonly gradient: string;
}

export const smallModel = checkConfig({
  ...resolveModel('nano'),
  ...{ name: 'small', layers: 1, width: 32, heads: 4, kvHeads: 2, ffn: 48, context: 16, vocab: 61 },
});
const shape = { batch: 2, sequenceLength: 12 };

async function step(device: DeviceName): Promise<DeviceStep> {
  const random = seededRandom('device step');
  const parameters = initParameters(smallModel, 'device step').map((w) => w + 0.1 * random.normal());
  const tokens = Uint16Array.from({ length: 2 * 13 }, () => random.below(smallModel.vocab));
  const options = { ...shape, threads: 2, platform: nodePlatformOn(device) };
  const gradient = new Float32Array(parameters.length);
  const gradientFunction = await createGradientFunction(smallModel, options);
  const lossNats = await gradientFunction.run(parameters, tokens, gradient);
  await gradientFunction.dispose();
  const lossFunction = await createLossFunction(smallModel, options);
  const rowLosses = [...(await lossFunction.run(parameters, tokens))];
  await lossFunction.dispose();
  return { lossNats, rowLosses, gradient: Buffer.from(bytesOf(gradient)).toString('base64') };
}

const [device] = process.argv.slice(2);
if (import.meta.url === new URL(process.argv[1]!, 'file:').href)
  process.stdout.write(`${JSON.stringify(await step(device as DeviceName))}\n`);
