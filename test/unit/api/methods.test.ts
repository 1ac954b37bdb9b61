import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { expect, it } from 'vitest';
import { problemHandler } from '../../../src/api/problem.js';
import { mountRoutes } from '../../../src/api/route.js';
import { realRoutes } from '../../support/api/real-routes.js';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

// RFC 9110, 15.5.6: the answer must have an `Allow` with the methods that the resource has.
it('answers a method that a known path does not have with those that it has', async () => {
  const app = express();
  mountRoutes(app, realRoutes());
  app.use(problemHandler(quiet));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const ask = async (method: string, path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    await response.text();
    return [response.status, response.headers.get('Allow')];
  };
  expect(await ask('DELETE', '/jobs')).toEqual([405, 'GET, HEAD, POST']);
  // As `/jobs/:id`, too.
  expect(await ask('PATCH', '/jobs/import')).toEqual([405, 'DELETE, GET, HEAD, POST, PUT']);
  expect(await ask('OPTIONS', '/jobs')).toEqual([204, 'GET, HEAD, POST']);
  server.close();
});
