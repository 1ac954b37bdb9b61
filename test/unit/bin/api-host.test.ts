import { expect, it } from 'vitest';
import { apiHost, urlHost } from '../../../src/bin/api-host.js';

it.each([
  ['::1', false, '::1', '[::1]'],
  ['127.0.0.1', false, '127.0.0.1', '127.0.0.1'],
  ['localhost', false, 'localhost', 'localhost'],
  ['0.0.0.0', false, '127.0.0.1', '127.0.0.1'],
  ['0.0.0.0', true, '0.0.0.0', '0.0.0.0'],
  ['::', true, '::', '[::]'],
])('the API that is to listen on %s (with a token: %s) listens on %s', (...row) => {
  const [address, hasToken, host, shown] = row;
  expect(apiHost(address, hasToken)).toBe(host);
  expect(urlHost(host)).toBe(shown);
});
