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

type Constructor = new (...args: unknown[]) => ArrayBufferView;

let takenBytes = 0;

/** Bytes taken since the last call. */
export function takeCount(): number {
  const taken = takenBytes;
  takenBytes = 0;
  return taken;
}

/** From now on everything that asks for `new Uint8Array(n)` and the like is counted; undone by what it returns. */
export function countAllocations(): () => void {
  const scope = globalThis as unknown as Record<string, Constructor>;
  const originals = COUNTED.map((name) => [name, scope[name]!] as const);
  for (const [name, original] of originals) scope[name] = counting(original);
  return () => {
    for (const [name, original] of originals) scope[name] = original;
  };
}

/** A function and no Proxy: the decoders make many small arrays, and a Proxy made them three times as slow. */
function counting(original: Constructor): Constructor {
  function Counted(this: unknown, ...args: unknown[]): ArrayBufferView {
    const made = Reflect.construct(original, args, new.target === Counted ? original : new.target!);
    if (!(args[0] instanceof ArrayBuffer)) takenBytes += made.byteLength; // a view takes nothing
    return made;
  }
  Counted.prototype = original.prototype;
  Object.setPrototypeOf(Counted, original); // `from`, `of`, BYTES_PER_ELEMENT
  return Counted as unknown as Constructor;
}
