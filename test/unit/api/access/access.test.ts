import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type RequestHandler } from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { AccessTokens } from '../../../../src/api/access/access-tokens.js';
import { accessRoutes } from '../../../../src/api/access/access-routes.js';
import { requireCaller } from '../../../../src/api/access/authentication.js';
import { FailedAttempts } from '../../../../src/api/access/failed-attempts.js';
import { guardedRoutes } from '../../../../src/api/access/guarded-routes.js';
import { problemHandler } from '../../../../src/api/problem.js';
import { setCaller } from '../../../../src/api/request-state.js';
import { mountRoutes, type Route } from '../../../../src/api/route.js';
import type { MeView } from '../../../../src/api/access/access-routes.js';
import {
  ROLES,
  type Caller,
  type Role,
  type TokenScope,
} from '../../../../src/domain/access/access.js';
import { realRoutes } from '../../../support/api/real-routes.js';
import { MemorySchedules } from '../../../support/temporal/memory-schedules.js';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const NO_TRAIL = {
  placesOf: () => Promise.resolve([]),
  placesOfMade: () => [],
  keep: () => Promise.resolve(),
};
const HOUR_MS = 3_600_000;

/** What each role may do, by hand: a route that is not here fails. */
const ALLOWED: Readonly<Record<string, readonly Role[]>> = {
  ...each(ROLES, [
    'getOverview',
    'listAllWorkloads',
    'listJobs',
    'getJob',
    'planJob',
    'planDefinition',
    'previewSchedule',
    'followSession',
    'followEvents',
    'listSessions',
    'getSession',
    'listSessionTasks',
    'listRepositories',
    'listWorkloads',
    'listStoredJobs',
    'listRestorePoints',
    'listOperations',
    'getOperation',
    'listWorkloadTypes',
    'listNotificationChannels',
    'listNotices',
    'listSilences',
    'listMirrorJobs',
    'getMirrorJob',
    'previewJobChanges',
    'simulateJob',
    'getLimits',
    'listErrorCodes',
    'getSystem',
    'getMe',
    'signOut',
    'listFileBackupJobs',
    'getFileBackupJob',
  ]),
  ...each(
    ['operator', 'administrator'],
    [
      'startJob',
      'startFileBackupJob',
      'pauseSession',
      'resumeSession',
      'stopSession',
      'verifyRepository',
      'verifyRestorePoint',
      'rescanRepository',
      'checkRepository',
      'testNotificationChannel',
      'rehearseNotificationChannel',
      'createSilence',
      'endSilence',
    ],
  ),
  ...each(['restorer', 'administrator'], ['restore']),
  ...each(['operator', 'restorer', 'administrator'], ['stopOperation']),
  ...each(
    ['administrator'],
    [
      'createJob',
      'createFileBackupJob',
      'updateFileBackupJob',
      'deleteFileBackupJob',
      'enableFileBackupJob',
      'disableFileBackupJob',
      'updateJob',
      'deleteJob',
      'importJob',
      'enableJob',
      'disableJob',
      'replaceJob',
      'mapCopies',
      'detachCopies',
      'acceptRepository',
      'removeRestorePoint',
      'copyOnce',
      'removeOneTimeCopy',
      'createMirrorJob',
      'updateMirrorJob',
      'deleteMirrorJob',
      'setLimits',
      'listTokens',
      'listAudit',
      'createToken',
      'revokeToken',
    ],
  ),
};

function each(roles: readonly Role[], operations: readonly string[]) {
  return Object.fromEntries(operations.map((operation) => [operation, roles]));
}

let server: Server | null = null;
afterEach(() => server?.close());

async function listen(handlers: RequestHandler[], routes: readonly Route[]): Promise<string> {
  const app = express();
  app.use(express.json(), ...handlers);
  mountRoutes(app, routes);
  app.use(problemHandler(quiet));
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const asRole: RequestHandler = (request, response, next) => {
  const role = request.get('Role') as Role;
  const scope = JSON.parse(request.get('Scope') ?? 'null') as TokenScope | null;
  setCaller(response, { name: 'anna', role, scope, subject: null, expiresAt: null });
  next();
};

function guardedReal(): Route[] {
  return guardedRoutes(realRoutes(), { trail: NO_TRAIL, now: () => 0 });
}

describe('every route', () => {
  const routes = realRoutes();

  it('is in the table of who may, and no other', () => {
    expect(routes.map(({ operationId }) => operationId).sort()).toEqual(
      Object.keys(ALLOWED).sort(),
    );
  });

  it('lets in the roles of the table alone', async () => {
    const reached = routes.map((route): Route => ({
      ...route,
      handle: async (_request, response) => void response.json({ reached: route.operationId }),
    }));
    const url = await listen([asRole], guardedRoutes(reached, { trail: NO_TRAIL, now: () => 0 }));
    const wrong: unknown[] = [];
    for (const { method, path, operationId } of routes)
      for (const role of ROLES) {
        const address = `${url}${path.replaceAll(/:\w+/g, 'some-1')}`;
        const response = await fetch(address, { method: method.toUpperCase(), headers: { role } });
        const body: unknown = await response.json();
        const isAllowed = ALLOWED[operationId]?.includes(role) === true;
        const expected = isAllowed
          ? { reached: operationId }
          : expect.objectContaining({ code: 'PERMISSION_MISSING', status: 403 });
        try {
          expect([response.status, body]).toEqual([isAllowed ? 200 : 403, expected]);
        } catch {
          wrong.push([operationId, role, response.status, body]);
        }
      }
    expect(wrong).toEqual([]);
  });
});

describe('what a caller is told that he is refused', () => {
  const refusalsOf = async (headers: Record<string, string>) => {
    const url = await listen([asRole], guardedReal());
    const { refusals } = (await (await fetch(`${url}/me`, { headers })).json()) as MeView;
    return refusals;
  };
  const idsOf = (refusals: MeView['refusals']) =>
    refusals.map(({ operationId, field }) =>
      field === null ? operationId : `${operationId}.${field}`,
    );

  it.each(ROLES)('is all that the table does not give him, and no more (%s)', async (role) => {
    const expected = Object.keys(ALLOWED).filter((id) => ALLOWED[id]?.includes(role) !== true);
    if (role !== 'administrator') expected.push('startJob.takeOver');
    const found = idsOf(await refusalsOf({ role }));
    expect(found.sort()).toEqual(expected.sort());
  });

  it('comes with who may', async () => {
    expect(await refusalsOf({ role: 'operator' })).toContainEqual({
      operationId: 'startJob',
      method: 'POST',
      path: '/jobs/{id}/start',
      field: 'takeOver',
      reason: 'anna is operator; this needs administrator',
    });
  });

  it('is what is of all, and of no kind that his token is bound to', async () => {
    const scope = JSON.stringify({ jobs: ['nightly'], repositories: [] });
    const found = idsOf(await refusalsOf({ role: 'operator', scope }));
    expect(found).toEqual(expect.arrayContaining(['listJobs', 'createSilence', 'checkRepository']));
    const allowed = ['startJob', 'pauseSession', 'getMe'];
    expect(found.filter((id) => allowed.includes(id))).toEqual([]);
  });

  it('is told beforehand that it replaces no job', async () => {
    const url = await listen([asRole], guardedReal());
    const headers = {
      role: 'administrator',
      scope: JSON.stringify({ jobs: ['nightly'], repositories: [] }),
    };
    const { refusals } = (await (await fetch(`${url}/me`, { headers })).json()) as MeView;
    const named = refusals.map(({ operationId }) => operationId);
    expect(named).toContain('replaceJob');
    expect(named).not.toContain('updateJob');
  });
});

describe('a start that takes over what another job left', () => {
  it.each([
    ['is for administrators, as mapping is', 'operator', {}, 'PERMISSION_MISSING'],
    ['is of all of it', 'administrator', { workloads: ['web01'] }, 'REQUEST_INVALID'],
  ])('%s', async (_, role, more, code) => {
    const url = await listen([asRole], guardedReal());
    const response = await fetch(`${url}/jobs/nightly/start`, {
      method: 'POST',
      headers: { role, 'Content-Type': 'application/json' },
      body: JSON.stringify({ takeOver: true, ...more }),
    });
    expect(await response.json()).toMatchObject({ code });
  });
});

describe('tokens', () => {
  let nowMs = 0;
  const admin: Caller = {
    name: 'root',
    role: 'administrator',
    scope: null,
    subject: null,
    expiresAt: null,
  };

  async function site() {
    nowMs = Date.parse('2026-11-26T12:00:00Z');
    const schedules = new MemorySchedules();
    const { kept } = schedules;
    const tokens = new AccessTokens(schedules.client(), () => nowMs);
    const lines: object[] = [];
    const callerOf = (sent: string) => tokens.callerOf(sent);
    const attempts = new FailedAttempts(() => nowMs);
    const door = { emergencyToken: 's3cret', callerOf, attempts, signIn: null };
    const routes = guardedRoutes(
      accessRoutes({ tokens, now: () => nowMs, signIn: null, routes: () => [] }),
      {
        trail: { ...NO_TRAIL, keep: (audit) => Promise.resolve(void lines.push({ audit })) },
        now: () => nowMs,
      },
    );
    const url = await listen([requireCaller(door)], routes);
    const send = async (token: string, method: string, path: string, body?: object) => {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return {
        status: response.status,
        body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
      };
    };
    return { schedules, kept, lines, send, tokens };
  }

  it('are shown once, kept as a digest, and let their holder in with his role', async () => {
    const { kept, lines, send } = await site();
    const made = await send('s3cret', 'POST', '/tokens', { name: 'anna', role: 'operator' });
    expect(made).toMatchObject({ status: 201, body: { createdBy: 'token of the configuration' } });
    const token = String(made.body.token);
    expect(token).toMatch(/^lh_[0-9a-f]{8}_[\w-]{43}$/);
    const everything = JSON.stringify([[...kept], lines]);
    expect([everything.includes(token), everything.includes(token.slice(12))]).toEqual([
      false,
      false,
    ]);
    expect((await send(token, 'GET', '/me')).body).toEqual({
      name: 'anna',
      role: 'operator',
      scope: null,
      subject: null,
      expiresAt: null,
      refusals: [],
    });
    expect((await send(token, 'GET', '/tokens')).status).toBe(403);
    const { body } = await send('s3cret', 'GET', '/tokens');
    expect(body.items).toEqual([
      expect.objectContaining({ name: 'anna', lastUsedAt: '2026-11-26T12:00:00.000Z' }),
    ]);
    expect(JSON.stringify(body)).not.toContain('digest');
  });

  it('hold no longer when they were revoked or their time is over; that of the configuration always does', async () => {
    const { send } = await site();
    const expiresAt = new Date(nowMs + HOUR_MS).toISOString();
    const make = async (name: string) =>
      (await send('s3cret', 'POST', '/tokens', { name, role: 'viewer', expiresAt })).body;
    const [anna, bert] = [await make('anna'), await make('bert')];
    expect((await send(String(anna.token), 'GET', '/me')).status).toBe(200);
    expect((await send('s3cret', 'DELETE', `/tokens/${String(anna.id)}`)).status).toBe(204);
    expect((await send(String(anna.token), 'GET', '/me')).status).toBe(401);
    expect((await send(String(bert.token), 'GET', '/me')).status).toBe(200);
    nowMs += HOUR_MS;
    expect((await send(String(bert.token), 'GET', '/me')).status).toBe(401);
    expect((await send('s3cret', 'GET', '/me')).body).toMatchObject({ role: 'administrator' });
    expect((await send('s3cret', 'DELETE', '/tokens/gone')).body.code).toBe('TOKEN_MISSING');
  });

  const anna = { name: 'anna', role: 'viewer' as const, scope: null, createdBy: admin.name };

  it('stay revoked when another server notes a use of them, or of others, at the same time', async () => {
    const { schedules, tokens } = await site();
    const elsewhere = new AccessTokens(schedules.client(), () => nowMs);
    const [first, second] = [
      await tokens.create({ ...anna, expiresAt: null }),
      await tokens.create({ ...anna, expiresAt: null }),
    ];
    await elsewhere.callerOf(first.token);
    nowMs += 2 * HOUR_MS;
    // The other server has read the list, and writes when the token is revoked already.
    schedules.beforeWrite = async (call, id) => {
      if (call !== 'update' || id !== 'access-tokens') return;
      schedules.beforeWrite = () => undefined;
      await elsewhere.callerOf(second.token);
    };
    await tokens.revoke(first.entry.id);
    await expect.poll(async () => (await tokens.list())[0]?.lastUsedAt).not.toBeNull();
    expect((await tokens.list()).map(({ id }) => id)).toEqual([second.entry.id]);
    nowMs += HOUR_MS;
    expect(await elsewhere.callerOf(first.token)).toBeNull();
  });

  it('that two servers make at the same time are both kept', async () => {
    const { schedules, tokens } = await site();
    const elsewhere = new AccessTokens(schedules.client(), () => nowMs);
    const wanted = { ...anna, expiresAt: null };
    const made = [await tokens.create(wanted)];
    schedules.beforeWrite = async () => {
      schedules.beforeWrite = () => undefined;
      made.push(await elsewhere.create(wanted));
    };
    made.push(await tokens.create(wanted));
    expect((await tokens.list()).map(({ id }) => id).sort()).toEqual(
      made.map(({ entry }) => entry.id).sort(),
    );
  });

  it('are not let in with another secret behind their id', async () => {
    const { tokens } = await site();
    const { token } = await tokens.create({
      name: 'anna',
      role: 'viewer',
      scope: null,
      createdBy: admin.name,
      expiresAt: null,
    });
    const last = token.endsWith('A') ? 'B' : 'A';
    expect(await tokens.callerOf(`${token.slice(0, -1)}${last}`)).toBeNull();
    expect(await tokens.callerOf(token)).toMatchObject({ name: 'anna' });
  });

  it('leave a line for each change, with who made it, what was there and what is wanted', async () => {
    const { lines, send } = await site();
    const made = await send('s3cret', 'POST', '/tokens', { name: 'anna', role: 'viewer' });
    await send(String(made.body.token), 'POST', '/tokens', { name: 'mallory', role: 'viewer' });
    await send('s3cret', 'DELETE', `/tokens/${String(made.body.id)}`);
    await send('s3cret', 'DELETE', `/tokens/${String(made.body.id)}`);
    const who = { who: 'token of the configuration', role: 'administrator' };
    expect(lines).toMatchObject([
      { audit: { ...who, operation: 'createToken', outcome: 'done', after: { name: 'anna' } } },
      { audit: { who: 'anna', role: 'viewer', outcome: 'PERMISSION_MISSING' } },
      { audit: { ...who, operation: 'revokeToken', outcome: 'done', before: { name: 'anna' } } },
      { audit: { ...who, operation: 'revokeToken', outcome: 'TOKEN_MISSING' } },
    ]);
  });
});
