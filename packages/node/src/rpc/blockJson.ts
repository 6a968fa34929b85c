/** @file Blocks and headers as Substrate's JSON-RPC prints them: numbers in hex, extrinsics with their length prefix. */
import { toHex } from '@alice/protocol';
import type { Block } from '../block.js';
import type { Json } from './context.js';

export function headerJson({ header }: Block): Json {
  return {
    parentHash: header.parentHash,
    number: `0x${header.number.toString(16)}`,
    stateRoot: header.stateRoot,
    extrinsicsRoot: header.extrinsicsRoot,
    digest: { logs: header.digest },
  };
}

export function signedBlockJson(block: Block): Json {
  return {
    block: { header: headerJson(block), extrinsics: block.extrinsics.map(toHex) },
    justifications: null,
  };
}
