import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Client } from '@temporalio/client';
import express from 'express';
import { afterEach, expect, it } from 'vitest';
import { LOCAL } from '../../../../src/api/access/authentication.js';
import { problemHandler } from '../../../../src/api/problem.js';
import { setCaller } from '../../../../src/api/request-state.js';
import { mountRoutes } from '../../../../src/api/route.js';
import { silenceRoutes } from '../../../../src/api/notices/silence-routes.js';
import { BackupError } from '../../../../src/domain/errors.js';
import { shareBackup } from '../../../support/tree/live-stores.js';
import { testJob } from '../../../support/session/test-site.js';

let server: Server | null = null;
afterEach(() => server?.close());

it.each([
  ['nightly', 201, { jobId: 'nightly' }, 1],
  ['shares', 201, { jobId: 'shares' }, 1],
  [null, 201, { jobId: null }, 1],
  ['nigthly', 404, { code: 'JOB_MISSING', detail: 'no job nigthly' }, 0],
])('a silence for the job %o is answered with %i', async (jobId, status, body, silences) => {
  let sent = 0;
  const watch = { executeUpdate: () => Promise.resolve(void sent++) };
  const app = express();
  app.use(express.json(), (_request, response, next) => {
    setCaller(response, LOCAL);
    next();
  });
  const routes = silenceRoutes({
    client: { workflow: { getHandle: () => watch } } as unknown as Client,
    jobs: {
      definition: (id) =>
        id === 'nightly'
          ? Promise.resolve(testJob())
          : Promise.reject(new BackupError('JOB_MISSING', `no job ${id}`)),
    },
    fileBackups: {
      definition: (id) =>
        id === 'shares'
          ? Promise.resolve(shareBackup('restic-share'))
          : Promise.reject(new BackupError('JOB_MISSING', `no file-backup job ${id}`)),
    },
    now: () => 0,
  });
  mountRoutes(app, routes);
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
  app.use(problemHandler(quiet));
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/silences`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ hours: 1, reason: 'planned', jobId }),
  });
  expect([response.status, await response.json(), sent]).toEqual([
    status,
    expect.objectContaining(body),
    silences,
  ]);
});
