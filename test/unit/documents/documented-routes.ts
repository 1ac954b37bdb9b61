import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import { createApi } from '../../../src/api/create-api.js';
import type { LonghaulConfig } from '../../../src/config/config.js';

/** Routes of the API as its own OpenAPI document lists them: `post /jobs/{id}/start`. */
export async function documentedRoutes(config: LonghaulConfig): Promise<string[]> {
  const log = () => undefined;
  const app = createApi({
    // Nobody serves there: the document needs no Temporal.
    client: new Client({ connection: Connection.lazy({ address: '127.0.0.1:1' }) }),
    config,
    token: null,
    now: () => 0,
    logger: { info: log, warn: log, error: log },
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/openapi.json`);
    const { paths } = (await response.json()) as { paths: Record<string, object> };
    return Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
  } finally {
    server.close();
  }
}

/** Whether a request such as `POST /jobs/nightly/start?x=1` is one of `routes`. */
export function isRoute(routes: readonly string[], method: string, path: string): boolean {
  const request = `${method.toLowerCase()} ${path.split('?')[0] ?? ''}`;
  return routes.some((route) =>
    new RegExp(`^${route.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(request),
  );
}
