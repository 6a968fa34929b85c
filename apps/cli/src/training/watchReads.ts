/** @file The weights of an export, counted as they are read: what is left to write is known from the layout. */
import type { TensorSource } from '@alice/model';

export interface ReadsWatch {
  /** How often each tensor is read in all. */
  readonly passes: number;
  readonly onRead: (elements: number, ofElements: number) => void;
}

export function watchReads(source: TensorSource, { passes, onRead }: ReadsWatch): TensorSource {
  const total = passes * source.layout.size;
  let done = 0;
  onRead(0, total);
  return {
    layout: source.layout,
    read: async (tensor) => {
      const values = await source.read(tensor);
      done += tensor.size;
      onRead(done, total);
      return values;
    },
  };
}
