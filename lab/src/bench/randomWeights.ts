/**
 * @file Random initial weights as halves, a tensor at a time, never whole in memory: the model of a bench that is larger
 * than the machine. Normal with the standard deviations of `initParameters`, drawn from a table of 65,536 normals,
 * which is some twenty times quicker; statistically like the real ones, not bit-equal to them.
 */
import { type ModelConfig, modelLayout, type PagesSource } from '@alice/model';
import { seededRandom, toHalf } from '@alice/protocol';

const STD = 0.02;

/** Each reading overwrites the one before it. Cost: about 3 ns an element, each time it is read. */
export function randomWeights(config: ModelConfig, seed: string): PagesSource {
  const layout = modelLayout(config);
  const memory = new Uint16Array(Math.max(...layout.tensors.map(({ size }) => size)));
  const plain = normalTable(seed, STD);
  const residual = normalTable(seed, STD / Math.sqrt(2 * config.layers));
  return {
    layout,
    async read({ name, shape, size }) {
      const weights = memory.subarray(0, size);
      if (shape.length === 1) return weights.fill(toHalf(1));
      const table = /\.(o_proj|down_proj)\./.test(name) ? residual : plain;
      fill(weights, table, seededRandom(`${seed}/${name}`).u32() | 0);
      return weights;
    },
  };
}

/** Two weights from each hash of their place; whole numbers of 32 bits all along, which is what makes it quick. */
function fill(weights: Uint16Array, table: Uint16Array, key: number): void {
  for (let i = 0; i < weights.length; i += 2) {
    let bits = (key + Math.imul(i, 0x9e3779b1)) | 0;
    bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
    bits ^= bits >>> 16;
    weights[i] = table[bits & 0xffff]!;
    weights[i + 1] = table[bits >>> 16]!; // past an odd end this writes nothing
  }
}

function normalTable(seed: string, std: number): Uint16Array {
  const random = seededRandom(`${seed}/normals`);
  return Uint16Array.from({ length: 65_536 }, () => toHalf(std * random.normal()));
}
