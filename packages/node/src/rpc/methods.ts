/** @file The whole RPC surface in one table, method → handler; `rpc_methods` lists it for clients. */
import { aliceMethods } from './aliceMethods.js';
import { authorMethods } from './authorMethods.js';
import { chainMethods } from './chainMethods.js';
import type { RpcMethod } from './context.js';
import { explorerMethods } from './explorerMethods.js';
import { modernMethodNames } from './modernMethods.js';
import { stateMethods } from './stateMethods.js';
import { subscriptions, unsubscribeNames } from './subscriptions.js';
import { systemMethods } from './systemMethods.js';

export const methods: Readonly<Record<string, RpcMethod>> = {
  ...systemMethods,
  ...chainMethods,
  ...stateMethods,
  ...authorMethods,
  ...aliceMethods,
  ...explorerMethods,
  rpc_methods: () => ({ methods: allNames }),
};

const allNames: readonly string[] = [
  ...Object.keys(methods),
  ...Object.keys(subscriptions),
  ...unsubscribeNames,
  ...modernMethodNames,
].sort();
