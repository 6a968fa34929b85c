/** @file The presets by what they need. Names only: reading them must not load what trains. */

/** They train whole in the memory of a machine like this one. */
export const LOCAL_PRESETS = ['nano', 'tiny', '100m'] as const;
/** A network trains these as well: their weights lie in files and are worked through layer by layer. */
export const NETWORK_PRESETS = [...LOCAL_PRESETS, '1b', '7b'] as const;

export function isLargePreset(name: string): boolean {
  return (
    !(LOCAL_PRESETS as readonly string[]).includes(name) &&
    (NETWORK_PRESETS as readonly string[]).includes(name)
  );
}
