/** @file The faults of one file: the first one stops the build, or the first hundred are kept and all are counted. */

import type { SourceFault } from '../datasetFields.js';
import type { DataError } from '../errors.js';

const LISTED_FAULTS = 100;

export class FaultList {
  readonly listed: SourceFault[] = [];
  count = 0;
  /** Whether reading ended before the file did. */
  hasBreak = false;
  readonly #onInvalid: 'refuse' | 'skip';

  constructor(onInvalid: 'refuse' | 'skip') {
    this.#onInvalid = onInvalid;
  }

  /** Throws the fault under `refuse`. */
  add(fault: DataError): void {
    if (this.#onInvalid === 'refuse') throw fault;
    this.count++;
    const { info } = fault;
    const byteOffset = 'byteOffset' in info ? (info.byteOffset ?? 0) : 0;
    if (info.code !== 'JSON_LINE_INVALID') this.hasBreak = true;
    if (this.listed.length < LISTED_FAULTS) this.listed.push({ code: info.code, offset: byteOffset });
  }
}
