/** @file Hosts in addresses. */

/** A host as it stands in an address before the port: IPv6 in brackets. */
export const urlHost = (host: string): string => (host.includes(':') ? `[${host}]` : host);
