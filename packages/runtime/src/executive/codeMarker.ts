/**
 * @file Substrate keeps its WebAssembly runtime under `:code`. This runtime is not in the state, but clients notice an
 * upgrade by a changed `:code`, so a short text that names the version stands there.
 */
import { toHex, utf8 } from '@alice/protocol';
import type { StateAccess } from '../storage/Overlay.js';
import { SPEC_NAME, SPEC_VERSION } from '../version.js';

const bytes = utf8.encode(':code');
export const CODE_KEY = { bytes, hex: toHex(bytes) };

export function writeCodeMarker(state: StateAccess): void {
  state.write(CODE_KEY, utf8.encode(`${SPEC_NAME} runtime ${SPEC_VERSION}`));
}
