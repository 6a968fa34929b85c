/** @file Which addresses a client accepts for a parameter server: https anywhere, http to this machine only (SPEC REG-3). */
import { ServerCallError, type ServerCallErrorInfo } from './clientErrors.js';

/**
 * The server's address without a trailing slash. Throws `SERVER_URL_INVALID`, and `TLS_REQUIRED` for plain http to
 * anything but this machine (SPEC REG-3).
 */
export function checkServerUrl(text: string): string {
  let url: URL | undefined;
  try {
    url = new URL(text);
  } catch {
    // falls through to the one error below
  }
  if (
    url === undefined ||
    !/^https?:$/.test(url.protocol) ||
    url.username !== '' ||
    url.password !== '' ||
    url.search !== '' ||
    url.hash !== ''
  ) {
    const info: ServerCallErrorInfo = { code: 'SERVER_URL_INVALID', url: redacted(text) };
    throw new ServerCallError(info, `"${info.url}" is not a server address; write it like https://host:port`);
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    throw new ServerCallError(
      { code: 'TLS_REQUIRED', host: url.hostname },
      `plain http is only for this machine; use https://${url.host} (tokens and data would be readable on the way)`,
    );
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

/** A password written into an address must not reach a message. */
const redacted = (text: string): string => text.replace(/\/\/[^/@]*@/, '//…@').slice(0, 200);

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' || hostname === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname)
  );
}
