/** @file The values a graph consists of, inputs before users. Iterative, so depth is bounded by memory, not the stack. */
import type { Value } from './value.js';

/** All values reachable from `outputs`, each once, every value after its inputs. The order depends only on the graph. */
export function topologicalOrder(outputs: readonly Value[]): Value[] {
  const order: Value[] = [];
  const seen = new Set<Value>();
  const stack: { value: Value; next: number }[] = [];
  const open = (value: Value): void => {
    if (seen.has(value)) return;
    seen.add(value);
    stack.push({ value, next: 0 });
  };
  for (const output of outputs) {
    open(output);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const child = top.value.inputs[top.next++];
      if (child) open(child);
      else {
        order.push(top.value);
        stack.pop();
      }
    }
  }
  return order;
}
