import { Client, Connection } from '@temporalio/client';
import { routesOf } from '../../../src/api/create-api.js';
import type { Route } from '../../../src/api/route.js';
import { parseConfig } from '../../../src/config/load-config.js';

const NO_RETRIES: [] = [];
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Every route of the API, over a Temporal that nobody serves. */
export function realRoutes(): Route[] {
  const connection = Connection.lazy({ address: '127.0.0.1:1', interceptors: NO_RETRIES });
  const config = parseConfig('repositories: [{ id: offsite, path: /mnt, role: target }]', {
    name: 'test',
    folder: '/etc',
    environment: {},
  });
  const client = new Client({ connection });
  return routesOf({ client, config, token: null, now: () => 0, logger: quiet });
}
