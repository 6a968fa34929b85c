/**
 * @file Counts the bytes that code takes as typed arrays of a length it computed, by standing in for the constructors.
 * Plain JavaScript arrays and strings are not counted. Limit: one count at a time in a process.
 */

const COUNTED = [
  'Uint8Array',
  'Uint16Array',
  'Uint32Array',
  'Int32Array',
  'Float32Array',
  'Float64Array',
] as const;

let takenBytes = 0;

/** Bytes taken since the last call. */
export function takeCount(): number {
  const taken = takenBytes;
  takenBytes = 0;
  return taken;
}

/** From now on everything that asks for `new Uint8Array(n)` and the like is counted; undone by what it returns. */
export function countAllocations(): () => void {
  const scope = globalThis as unknown as Record<string, { new (...args: unknown[]): ArrayBufferView }>;
  const originals = COUNTED.map((name) => [name, scope[name]!] as const);
  for (const [name, original] of originals)
    scope[name] = new Proxy(original, {
      construct(target, args, newTarget) {
        const made = Reflect.construct(target, args, newTarget) as ArrayBufferView;
        if (!(args[0] instanceof ArrayBuffer)) takenBytes += made.byteLength; // a view takes nothing
        return made;
      },
    });
  return () => {
    for (const [name, original] of originals) scope[name] = original;
  };
}
