import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Client } from '@temporalio/client';
import express from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { AuditTrail } from '../../../../src/api/access/audit-trail.js';
import { guardedRoutes } from '../../../../src/api/access/guarded-routes.js';
import { problemHandler } from '../../../../src/api/problem.js';
import { setCaller } from '../../../../src/api/request-state.js';
import { mountRoutes, type Route } from '../../../../src/api/route.js';
import type { PlacedLine } from '../../../../src/domain/access/audit.js';
import { BackupError } from '../../../../src/domain/errors.js';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const NOW_MS = Date.parse('2026-11-26T22:00:00Z');

let server: Server | null = null;
afterEach(() => server?.close());

const JOBS: Record<string, string[]> = {
  nightly: ['offsite'],
  shares: ['second', 'offsite', 'second'],
  abroad: ['a-source'],
};

/** Routes as the API has them, over jobs that can be deleted; what they do is nothing. */
async function site({ isTemporalAway = false } = {}) {
  const jobs = new Map(Object.entries(JOBS));
  const kept: { place: string; line: PlacedLine }[] = [];
  const warnings: object[] = [];
  const client = {
    workflow: {
      signalWithStart: (
        type: string,
        {
          workflowId,
          args,
          signalArgs,
        }: { workflowId: string; args: unknown[]; signalArgs: [PlacedLine] },
      ) => {
        if (isTemporalAway) return Promise.reject(new Error('away'));
        kept.push({ place: `${type} ${workflowId} ${JSON.stringify(args)}`, line: signalArgs[0] });
        return Promise.resolve();
      },
    },
  } as unknown as Client;
  const trail = new AuditTrail({
    client,
    logger: { ...quiet, warn: (fields) => warnings.push(fields) },
    targetIds: ['offsite', 'second'],
    targetsOfJob(jobId) {
      const targets = jobs.get(jobId);
      if (targets === undefined) return Promise.reject(new BackupError('JOB_MISSING', jobId));
      return Promise.resolve(targets);
    },
  });
  const route = (
    method: Route['method'],
    path: string,
    subject: Route['subject'],
    handle: Route['handle'] = async (_request, response) => void response.status(204).end(),
  ): Route => ({
    ...{ method, path, subject, handle, operationId: `${method} ${path}`, needs: 'operate' },
    ...{ summary: '', status: 204, errors: [], query: null, body: null, answer: null },
    answerType: 'application/json',
  });
  const routes = [
    route('post', '/jobs/:id/start', 'job'),
    route('get', '/jobs/:id', 'job'),
    { ...route('post', '/jobs/:id/changes', 'job'), looksOnly: true as const },
    route('delete', '/jobs/:id', 'job', async (request, response) => {
      jobs.delete(String(request.params.id));
      response.status(204).end();
    }),
    route('post', '/jobs', 'site', async (_request, response) => {
      response.status(201).set('Location', '/api/v1/jobs/new-job').end();
    }),
    route('post', '/sessions/:id/stop', 'session'),
    route('post', '/repositories/:id/verify', 'repository'),
    route('post', '/operations/:id/stop', 'operation'),
    route('post', '/silences', 'site'),
  ];
  const app = express();
  app.use(express.json(), (request, response, next) => {
    const role = request.get('Role') === 'viewer' ? 'viewer' : 'operator';
    setCaller(response, { name: 'anna', role, scope: null, subject: 'sub-anna', expiresAt: null });
    next();
  });
  mountRoutes(app, guardedRoutes(routes, { trail, now: () => NOW_MS }));
  app.use(problemHandler(quiet));
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const send = async (method: string, path: string, headers: Record<string, string> = {}) => {
    const body = method === 'GET' ? null : '{"target":{"repositoryId":"second"}}';
    const sent = { method, body, headers: { 'Content-Type': 'application/json', ...headers } };
    return (await fetch(`${url}${path}`, sent)).status;
  };
  /** Lines come after the answer. */
  const places = async (count: number) => {
    await expect.poll(() => kept.length).toBeGreaterThanOrEqual(count);
    return kept.map(({ place, line }) => `${place} ${line.jobId}`);
  };
  return { send, kept, places, warnings };
}

const offsite = (jobId: string | null): string =>
  `keepAudit audit/offsite [{"repositoryId":"offsite"}] ${jobId}`;
const second = (jobId: string | null): string => offsite(jobId).replaceAll('offsite', 'second');

describe('an audit line', () => {
  it.each<[string, string, string[]]>([
    ['POST', '/jobs/nightly/start', [offsite('nightly')]],
    ['DELETE', '/jobs/nightly', [offsite('nightly')]],
    ['POST', '/jobs/shares/start', [offsite('shares'), second('shares')]],
    ['POST', '/jobs', [second('new-job')]],
    ['POST', '/sessions/nightly-20261126T220000Z/stop', [offsite('nightly')]],
    ['POST', '/repositories/offsite/verify', [offsite(null)]],
    ['POST', '/operations/verify.offsite.all/stop', [offsite(null)]],
    ['POST', '/silences', [offsite(null), second(null)]],
  ])('of %s %s is kept beside the data that it is about', async (method, path, expected) => {
    const { send, places } = await site();
    expect(await send(method, path)).toBeLessThan(300);
    expect(await places(expected.length)).toEqual(expected);
  });

  it.each([
    ['GET', '/jobs/nightly'],
    ['POST', '/jobs/nightly/changes'],
    ['POST', '/jobs/gone/start'],
    ['POST', '/jobs/abroad/start'],
    ['POST', '/repositories/a-source/verify'],
  ])('of %s %s has no place beside data', async (method, path) => {
    const { send, places } = await site();
    await send(method, path);
    await send('POST', '/jobs/nightly/start');
    expect(await places(1)).toEqual([offsite('nightly')]);
  });

  it('says who, when, what and how it ended, with an id of its own', async () => {
    const { send, kept, places } = await site();
    await send('POST', '/jobs/nightly/start');
    await places(1);
    expect(kept[0]!.line).toEqual({
      id: expect.stringMatching(/^[\da-f-]{36}$/) as string,
      ...{ at: '2026-11-26T22:00:00.000Z', who: 'anna', role: 'operator', subject: 'sub-anna' },
      ...{ operation: 'post /jobs/:id/start', path: '/jobs/nightly/start', outcome: 'done' },
      ...{ jobId: 'nightly', before: null, after: { target: { repositoryId: 'second' } } },
    });
  });

  it('is not kept of what was refused before it was looked at', async () => {
    const { send, kept } = await site();
    expect(await send('POST', '/jobs/nightly/start', { Role: 'viewer' })).toBe(403);
    expect(kept).toEqual([]);
  });

  it('that Temporal does not take changes no answer, and is told', async () => {
    const { send, warnings } = await site({ isTemporalAway: true });
    expect(await send('POST', '/jobs/nightly/start')).toBe(204);
    await expect
      .poll(() => warnings)
      .toMatchObject([{ repositoryId: 'offsite', jobId: 'nightly' }]);
  });
});
