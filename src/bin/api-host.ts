import { isLoopback } from '../config/cross-checks.js';

/** Where the API listens: without a token on no address that another machine could reach, whatever is configured. */
export function apiHost(address: string, hasToken: boolean): string {
  return hasToken || isLoopback(address) ? address : '127.0.0.1';
}

/** As it stands in an address: RFC 3986, 3.2.2 puts the colons of IPv6 into brackets. */
export function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
