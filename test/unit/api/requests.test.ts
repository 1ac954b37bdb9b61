import { once } from 'node:events';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import { placesIn, replaced, type Place } from '../../support/json-places.js';
import fc from '../../support/properties.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApi } from '../../../src/api/create-api.js';
import { parseConfig } from '../../../src/config/load-config.js';

const CONFIG = parseConfig(
  'repositories: [{ id: primary, path: /backups, role: primary }, { id: offsite, path: /mnt, role: target }]',
  { name: 'test', folder: '/etc', environment: {} },
);

const JOB = {
  id: 'nightly',
  name: 'Nightly',
  description: '',
  mode: 'periodic',
  sources: {
    include: [{ repositoryId: 'primary', workloads: ['web01'] }],
    exclude: [{ workload: 'scratch' }],
  },
  target: { repositoryId: 'offsite' },
  restorePoints: 'latest',
  retention: { type: 'restorePoints', value: 7 },
  gfs: {
    weekly: { keep: 4, day: 'sunday' },
    monthly: { keep: 12, week: 'first' },
    yearly: { keep: 3, month: 'january' },
    fullMethod: 'synthetic',
  },
  schedule: { type: 'daily', time: '22:00', timeZone: 'UTC' },
  onSourceChainRecreated: 'requireNewJob',
  storage: { digest: 'sha256' },
  healthCheck: { every: 'month', day: 'sunday', time: '05:00', timeZone: 'UTC' },
  compact: null,
  rpo: null,
  removedWorkloadsAfterDays: null,
};

/** Of calls to Temporal. */
const NO_RETRIES: [] = [];

interface TestApi {
  readonly url: string;
  readonly bugs: object[];
  close(): void;
}

/** Over a Temporal that nobody serves: whatever is refused here was refused before it was asked. */
async function startApi(token: string | null): Promise<TestApi> {
  const connection = Connection.lazy({ address: '127.0.0.1:1', interceptors: NO_RETRIES });
  const bugs: object[] = [];
  const log = () => undefined;
  const app = createApi({
    client: new Client({ connection }),
    config: CONFIG,
    token,
    now: () => 0,
    logger: { info: log, warn: log, error: (fields) => bugs.push(fields) },
  });
  const server: Server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, bugs, close: () => server.close() };
}

async function send(
  url: string,
  init: RequestInit = {},
): Promise<{ status: number; body: Record<string, unknown>; type: string | null }> {
  const response = await fetch(url, init);
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, body, type: response.headers.get('Content-Type') };
}

function post(body: unknown, type = 'application/json'): RequestInit {
  return {
    method: 'POST',
    headers: { 'Content-Type': type },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  };
}

describe('requests to the API', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startApi(null);
  });
  afterAll(() => api.close());

  it('answers a malformed body with a problem that says what to do', async () => {
    const { status, body, type } = await send(`${api.url}/api/v1/jobs`, post({ name: '' }));
    expect(type).toBe('application/problem+json; charset=utf-8');
    expect(status).toBe(400);
    expect(body).toMatchObject({
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      code: 'REQUEST_INVALID',
      hint: 'Correct what is named; the OpenAPI document (`/docs`) has every allowed value.',
    });
    expect((body.errors as { path: string }[]).map(({ path }) => path).sort()).toEqual([
      'mode',
      'name',
      'sources',
      'target',
    ]);
  });

  it.each<[string, RequestInit, number, string]>([
    ['text that is no JSON', post('{"name":'), 400, 'REQUEST_INVALID'],
    ['JSON that is no object', post('5'), 400, 'REQUEST_INVALID'],
    ['a list', post([]), 400, 'REQUEST_INVALID'],
    ['null', post('null'), 400, 'REQUEST_INVALID'],
    ['a form', post('a=b', 'application/x-www-form-urlencoded'), 415, 'MEDIA_TYPE_UNSUPPORTED'],
    [
      'another character set',
      post('{}', 'application/json; charset=latin1'),
      415,
      'MEDIA_TYPE_UNSUPPORTED',
    ],
    ['too much', post({ name: 'x'.repeat(2_100_000) }), 413, 'REQUEST_TOO_LARGE'],
    ['an unknown field', post({ ...JOB, colour: 'red' }), 400, 'REQUEST_INVALID'],
    [
      'an unknown field inside',
      post({ ...JOB, target: { ...JOB.target, x: 1 } }),
      400,
      'REQUEST_INVALID',
    ],
    ['a prototype', post('{"__proto__":{"name":"x"}}'), 400, 'REQUEST_INVALID'],
    [
      'a name without letters and no id',
      post({ ...JOB, id: undefined, name: '備份' }),
      400,
      'REQUEST_INVALID',
    ],
  ])('refuses %s as a job', async (_case, init, status, code) => {
    const answer = await send(`${api.url}/api/v1/jobs`, init);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  it.each([
    ['id', 'Nightly'],
    ['id', 'a'.repeat(64)],
    ['id', '../x'],
    ['name', ' '],
    ['name', 'a\nb'],
    ['mode', 'sometimes'],
    ['sources', { include: [] }],
    ['sources', { include: [{ repositoryId: 'primary', workloads: [] }] }],
    ['retention', { type: 'restorePoints', value: 0 }],
    ['retention', { type: 'restorePoints', value: 1.5 }],
    ['retention', { type: 'years', value: 1 }],
    ['gfs', { weekly: { keep: 0, day: 'sunday' } }],
    ['gfs', { weekly: { keep: 1, day: 'sun' } }],
    ['schedule', { type: 'daily', time: '24:00' }],
    ['schedule', { type: 'daily', time: '9:00' }],
    ['schedule', { type: 'weekly', days: [], time: '09:00' }],
    ['schedule', { type: 'monthly', day: 32, time: '09:00' }],
    ['schedule', { type: 'interval', everyMinutes: 0 }],
    ['schedule', { type: 'afterJob', jobId: 'A' }],
    ['schedule', { type: 'hourly' }],
    ['schedule', 'daily'],
    ['storage', { digest: 'md5' }],
    ['removedWorkloadsAfterDays', 0],
    ['onSourceChainRecreated', 'panic'],
  ])('names %s in the errors when it is %j', async (field, value) => {
    const { status, body } = await send(`${api.url}/api/v1/jobs`, post({ ...JOB, [field]: value }));
    expect(status).toBe(400);
    expect((body.errors as { path: string }[]).every(({ path }) => path.startsWith(field))).toBe(
      true,
    );
  });

  it.each([
    ['target.repositoryId', { target: { repositoryId: 'primary' } }],
    ['schedule.timeZone', { schedule: { type: 'daily', time: '22:00', timeZone: 'Mars/Base' } }],
    ['schedule.expression', { schedule: { type: 'cron', expression: '99 99 * * *' } }],
    ['gfs', { gfs: {} }],
  ])('answers 422 with the rule that %s breaks', async (path, change) => {
    const { status, body } = await send(`${api.url}/api/v1/jobs`, post({ ...JOB, ...change }));
    expect([status, body.code]).toEqual([422, 'JOB_RULE_BROKEN']);
    expect((body.errors as { path: string }[]).map((fault) => fault.path)).toContain(path);
  });

  it.each([
    ['GET', '/sessions?state=done', 'query.state'],
    ['GET', '/sessions?jobId=A', 'query.jobId'],
    ['GET', '/sessions?limit=5', 'query.limit'],
    ['GET', '/sessions?jobId=a&jobId=b', 'query.jobId'],
    ['GET', '/jobs?x=1', 'query.x'],
    ['GET', '/sessions?cursor=none', 'query.cursor'],
  ])('refuses the query of %s %s', async (method, path, place) => {
    const { status, body } = await send(`${api.url}/api/v1${path}`, { method });
    expect(status).toBe(400);
    expect((body.errors as { path: string }[]).map((fault) => fault.path)).toEqual([place]);
    expect(body.detail).toContain(`${place.replace('query.', '')}: `);
    expect(body.detail).not.toContain('query.');
  });

  it('refuses a body where none belongs', async () => {
    const { status, body } = await send(`${api.url}/api/v1/jobs/x/enable`, post({ now: true }));
    expect([status, body.errors]).toEqual([400, [{ path: 'now', message: 'unknown field' }]]);
  });

  it('refuses an address that cannot be decoded', async () => {
    const { status, body } = await send(`${api.url}/api/v1/jobs/%zz`);
    expect([status, body.code]).toEqual([400, 'REQUEST_INVALID']);
  });

  it.each(['/nothing', '/api/v1/nothing', '/api/v2/jobs', '/api/v1/jobs/x/y/z'])(
    'answers ROUTE_NOT_FOUND at %s',
    async (path) => {
      const { status, body } = await send(`${api.url}${path}`);
      expect([status, body.code]).toEqual([404, 'ROUTE_NOT_FOUND']);
    },
  );

  it('accepts in place of a value of a job none of another type, names the place, and never answers 500', async () => {
    const changes = fc.tuple(fc.constantFrom(...placesIn(JOB)), fc.jsonValue({ maxDepth: 2 }));
    await fc.assert(
      fc.asyncProperty(changes, async ([place, value]) => {
        const body = replaced(JOB, place, value);
        const answer = await send(`${api.url}/api/v1/jobs`, post(body));
        const isOfType = typesAt(place).includes(typeOf(value));
        const statuses = isOfType ? [400, 422, 503] : [400];
        expect(statuses, JSON.stringify({ place, value })).toContain(answer.status);
        if (answer.status === 503) return;
        const faults = answer.body.errors as { path: string }[];
        const [section = ''] = place;
        expect(faults.filter((fault) => fault.path.startsWith(String(section)))).not.toEqual([]);
      }),
      { numRuns: 300 },
    );
    expect(api.bugs).toEqual([]);
  });

  it('never answers 500 to any text as a body', async () => {
    const routes = ['/jobs', '/jobs/import', '/repositories/offsite/restore-points/p/restore'];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...routes),
        fc.oneof(fc.string(), fc.json()),
        async (route, body) => {
          fc.pre(body !== '');
          const { status } = await send(`${api.url}/api/v1${route}`, post(body));
          expect([400, 422]).toContain(status);
        },
      ),
      { numRuns: 200 },
    );
    expect(api.bugs).toEqual([]);
  });
});

describe('access to the API', () => {
  it('with a token, opens what is of the site to none who does not send it', async () => {
    const api = await startApi('secret-token');
    for (const path of ['/readyz', '/metrics', '/', '/api/v1/openapi.json', '/api/v1/jobs']) {
      const response = await fetch(`${api.url}${path}`);
      expect([path, response.status]).toEqual([path, 401]);
      expect(response.headers.get('WWW-Authenticate')).toBe('Bearer');
      expect(((await response.json()) as { code: string }).code).toBe('UNAUTHORIZED');
    }
    expect((await fetch(`${api.url}/healthz`)).status).toBe(200);
    api.close();
  });

  it.each([
    'Bearer secret-toke',
    'Bearer secret-token2',
    'Basic secret-token',
    'XBearer secret-token',
    'Basic x, Bearer secret-token',
    'secret-token',
    'Bearer ',
    'Bearer',
  ])('refuses "Authorization: %s"', async (Authorization) => {
    const api = await startApi('secret-token');
    const { status } = await send(`${api.url}/api/v1/openapi.json`, { headers: { Authorization } });
    expect(status).toBe(401);
    api.close();
  });

  it('accepts the token', async () => {
    const api = await startApi('secret-token');
    const headers = { Authorization: 'Bearer secret-token' };
    expect((await fetch(`${api.url}/api/v1/openapi.json`, { headers })).status).toBe(200);
    api.close();
  });

  it.each([
    ['a name that was pointed at loopback', { Host: 'attacker.example' }],
    ['a page of another site', { Origin: 'https://attacker.example' }],
    ['a page without an origin of its own', { Origin: 'null' }],
  ])('without a token, refuses a request for %s', async (_case, headers) => {
    const api = await startApi(null);
    expect(await statusWith(`${api.url}/api/v1/openapi.json`, headers)).toBe(403);
    expect(await statusWith(`${api.url}/api/v1/openapi.json`, {})).toBe(200);
    api.close();
  });
});

describe('the documents of the API', () => {
  it('describes every route with its answers, for programs and for people', async () => {
    const api = await startApi(null);
    const { body } = await send(`${api.url}/api/v1/openapi.json`);
    const document = body as {
      openapi: string;
      paths: Record<string, Record<string, { operationId: string; responses: object }>>;
    };
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths).sort()).toEqual([
      '/audit',
      '/errors',
      '/events',
      '/file-backup-jobs',
      '/file-backup-jobs/{id}',
      '/file-backup-jobs/{id}/disable',
      '/file-backup-jobs/{id}/enable',
      '/file-backup-jobs/{id}/start',
      '/jobs',
      '/jobs/import',
      '/jobs/{id}',
      '/jobs/{id}/changes',
      '/jobs/{id}/detach',
      '/jobs/{id}/disable',
      '/jobs/{id}/enable',
      '/jobs/{id}/map',
      '/jobs/{id}/plan',
      '/jobs/{id}/replacement',
      '/jobs/{id}/simulation',
      '/jobs/{id}/start',
      '/limits',
      '/me',
      '/mirror-jobs',
      '/mirror-jobs/{id}',
      '/notices',
      '/notification-channels',
      '/notification-channels/{channel}/rehearse',
      '/notification-channels/{channel}/test',
      '/one-time-copies',
      '/operations',
      '/operations/{id}',
      '/operations/{id}/stop',
      '/overview',
      '/plans',
      '/repositories',
      '/repositories/{id}/accept',
      '/repositories/{id}/check',
      '/repositories/{id}/jobs',
      '/repositories/{id}/one-time-copies/{copyId}/remove',
      '/repositories/{id}/rescan',
      '/repositories/{id}/restore-points',
      '/repositories/{id}/restore-points/{restorePointId}/remove',
      '/repositories/{id}/restore-points/{restorePointId}/restore',
      '/repositories/{id}/restore-points/{restorePointId}/verify',
      '/repositories/{id}/verify',
      '/repositories/{id}/workloads',
      '/schedules/preview',
      '/sessions',
      '/sessions/{id}',
      '/sessions/{id}/events',
      '/sessions/{id}/pause',
      '/sessions/{id}/resume',
      '/sessions/{id}/stop',
      '/sessions/{id}/tasks',
      '/sign-out',
      '/silences',
      '/silences/{id}',
      '/system',
      '/tokens',
      '/tokens/{id}',
      '/workload-types',
      '/workloads',
    ]);
    expect(
      Object.keys(document.paths['/jobs']?.post?.responses ?? {})
        .sort()
        .join(' '),
    ).toBe('201 400 401 403 409 413 415 422 503');
    const page = await (await fetch(`${api.url}/docs`)).text();
    expect(page).toContain('POST /jobs/{id}/start');
    expect(page).not.toMatch(/<script|src=|https?:\/\//);
    api.close();
  });
});

/** `fetch` does not let a program set `Host`. */
function statusWith(url: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

/** Beyond the type that the job has there; by place, without the indexes of lists. By hand, from docs/OPERATIONS.md and the field's meaning:
 *  what may be turned off is null or left out. */
const OTHER_TYPES: Readonly<Record<string, readonly string[]>> = {
  gfs: ['null'],
  'gfs.weekly': ['null'],
  'gfs.monthly': ['null'],
  'gfs.yearly': ['null'],
  schedule: ['null'],
  healthCheck: ['null'],
  compact: ['object'],
  rpo: ['object'],
  removedWorkloadsAfterDays: ['number'],
};

function typesAt(place: Place): readonly string[] {
  const names = place.filter((part) => !/^\d+$/.test(String(part)));
  const own = typeOf(place.reduce<unknown>((value, key) => (value as never)[key], JOB));
  return [own, ...(OTHER_TYPES[names.join('.')] ?? [])];
}

function typeOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
}
