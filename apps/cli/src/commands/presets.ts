/** @file The presets that train on a machine like this one; the larger ones wait for layer streaming. */
export const LOCAL_PRESETS = ['nano', 'tiny', '100m'] as const;
