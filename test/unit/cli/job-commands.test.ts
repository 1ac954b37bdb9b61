import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JOB, openCommandBench, SESSION, type CommandBench } from './command-bench.js';

const CREATE = ['job', 'create', '--name', 'n', '--source', 'a', '--target', 'b'];
const EVERY_DAY = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

let bench: CommandBench;
beforeEach(async () => {
  bench = await openCommandBench();
});
afterEach(() => bench.close());

describe('job create', () => {
  beforeEach(() => {
    bench.answer({ 'POST /jobs': { status: 201, body: JOB } });
  });

  it('makes a definition from flags', async () => {
    const { code } = await bench.run([
      'job',
      'create',
      '--name',
      'Nightly',
      '--source',
      'primary:web01',
      'primary:db:02',
      'other',
      '--exclude',
      'scratch',
      '--target',
      'offsite',
      '--schedule',
      'weekly sat,Sunday 22:00',
      '--time-zone',
      'Europe/Prague',
      '--restore-points',
      'all',
      '--missed-starts',
      'skip',
      '--keep-days',
      '30',
    ]);
    expect(code).toBe(0);
    expect(bench.seen[0]?.body).toEqual({
      name: 'Nightly',
      mode: 'periodic',
      sources: {
        include: [
          { repositoryId: 'other' },
          { repositoryId: 'primary', workloads: ['web01', 'db:02'] },
        ],
        exclude: [{ workload: 'scratch' }],
      },
      target: { repositoryId: 'offsite' },
      timeZone: 'Europe/Prague',
      schedule: { type: 'weekly', days: ['saturday', 'sunday'], time: '22:00' },
      restorePoints: 'all',
      missedStarts: 'skip',
      retention: { type: 'days', value: 30 },
    });
  });

  it('takes a word with * or ? for a pattern', async () => {
    const sources = ['--source', 'primary:web01', 'primary:db-*', 'other:?1'];
    await bench.run([
      ...['job', 'create', '--name', 'n', ...sources],
      ...['--exclude', '*-test', 'scratch', '--target', 'b'],
    ]);
    expect(bench.seen[0]?.body).toMatchObject({
      sources: {
        include: [
          { repositoryId: 'primary', workloads: ['web01'], patterns: ['db-*'] },
          { repositoryId: 'other', patterns: ['?1'] },
        ],
        exclude: [{ pattern: '*-test' }, { workload: 'scratch' }],
      },
    });
  });

  it.each([
    ['manual', { type: 'manual' }],
    ['daily 22:00', { type: 'daily', time: '22:00' }],
    ['monthly last 04:30', { type: 'monthly', day: 'last', time: '04:30' }],
    ['monthly 15 04:30', { type: 'monthly', day: 15, time: '04:30' }],
    ['every 30m', { type: 'interval', everyMinutes: 30 }],
    ['every 6h', { type: 'interval', everyMinutes: 360 }],
    ['after weekly-copy', { type: 'afterJob', jobId: 'weekly-copy' }],
    ['cron 0 22 * * *', { type: 'cron', expression: '0 22 * * *' }],
  ])('understands the schedule "%s"', async (words, schedule) => {
    await bench.run([
      'job',
      'create',
      '--name',
      'n',
      '--source',
      'a',
      '--target',
      'b',
      '--schedule',
      words,
    ]);
    expect(bench.seen[0]?.body).toMatchObject({ schedule });
  });

  it.each(['tomorrow', 'daily', 'daily 22:00 sharp', 'weekly someday 22:00', 'every 5d', ''])(
    'refuses the schedule "%s" before it asks the server',
    async (words) => {
      const { code, err } = await bench.run([
        'job',
        'create',
        '--name',
        'n',
        '--source',
        'a',
        '--target',
        'b',
        '--schedule',
        words,
      ]);
      expect([code, bench.seen.length]).toEqual([2, 0]);
      expect(err).toMatch(/REQUEST_INVALID: the (?:schedule|day) /);
    },
  );

  it.each([
    ['daily 22:00-05:00', EVERY_DAY, '22:00', '05:00'],
    ['mon-fri 20:00-06:00', EVERY_DAY.slice(0, 5), '20:00', '06:00'],
    ['sat,sun all', ['saturday', 'sunday'], '00:00', '00:00'],
    ['mo,we-th 01:00-02:00', ['monday', 'wednesday', 'thursday'], '01:00', '02:00'],
  ])('understands the hours "%s"', async (words, days, from, to) => {
    await bench.run([...CREATE, '--allowed-hours', words]);
    expect(bench.seen[0]?.body).toMatchObject({ allowedHours: { spans: [{ days, from, to }] } });
  });

  it.each([
    'nights',
    'daily',
    'fri-mon 20:00-06:00',
    'daily 22-5',
    'mon-tue-wed all',
    'daily all x',
  ])('refuses the hours "%s" before it asks the server', async (words) => {
    const { code, err } = await bench.run([...CREATE, '--allowed-hours', words]);
    expect([code, bench.seen.length]).toEqual([2, 0]);
    expect(err).toContain('REQUEST_INVALID: the ');
  });

  it('starts a job at any hour', async () => {
    const body = { sessionId: 'nightly-20261124T220000Z' };
    bench.answer({ 'POST /jobs/nightly/start': { status: 202, body } });
    await bench.run(['job', 'start', 'nightly', '--any-hour']);
    expect(bench.seen[0]?.body).toEqual({ anyHour: true });
  });

  it.each(['job.yaml', 'job.json'])('sends the definition of %s', async (name) => {
    const text = name.endsWith('json') ? '{"name":"From a file"}' : 'name: From a file\n';
    writeFileSync(join(bench.folder, name), text);
    expect((await bench.run(['job', 'create', '--file', name])).code).toBe(0);
    expect(bench.seen[0]?.body).toEqual({ name: 'From a file' });
  });

  it('says which flags are missing', async () => {
    const { code, err } = await bench.run(['job', 'create', '--name', 'n']);
    expect([code, bench.seen.length]).toEqual([2, 0]);
    expect(err).toBe(
      'REQUEST_INVALID: --name, --source and --target are needed, or --file\nSee `longhaul job create --help`.\n',
    );
  });
});

describe('job commands', () => {
  it('lists jobs in a table without colour', async () => {
    bench.answer({ 'GET /jobs': { body: { items: [JOB] } } });
    const { out } = await bench.run(['job', 'list']);
    expect(out.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['JOB', 'NAME', 'MODE', 'STATE', 'TARGET', 'NEXT RUN', 'LAST RESULT'],
      [
        'nightly',
        'Nightly',
        'periodic',
        'action required',
        'offsite',
        '2026-11-24 22:00:00Z',
        'actionRequired',
      ],
      [''],
    ]);
  });

  it('says what decides over the copies', async () => {
    const weekly = { keep: 4, day: 'sunday' };
    const yearly = { keep: 3, month: 'january' };
    const body = {
      ...JOB,
      gfs: { weekly, monthly: null, yearly, fullMethod: 'synthetic' },
      ...{ endedGfs: { weekly: null, monthly: 12, yearly: null }, removedWorkloadsAfterDays: 60 },
      healthCheck: { every: 'week', day: 'saturday', time: '02:00', timeZone: 'UTC' },
    };
    bench.answer({ 'GET /jobs/nightly': { body } });
    const { out } = await bench.run(['job', 'show', 'nightly']);
    for (const row of [
      /Copies +the newest restore point/,
      /Retention +30 days/,
      /GFS +4 weekly \(sunday\), 3 yearly \(january\); synthetic fulls; fulls of tiers that are off stay/,
      /Removed workloads +copies of one that no source has shown for 60 days are deleted/,
      /Recreated chain +waits for a decision/,
      /Health check +saturdays at 02:00 UTC/,
      /Compact +never/,
    ])
      expect(out).toMatch(row);
  });

  it('prints what the server sent with --json', async () => {
    bench.answer({ 'GET /jobs/nightly': { body: JOB } });
    const { out } = await bench.run(['job', 'show', 'nightly', '--json']);
    expect(JSON.parse(out)).toEqual(JOB);
  });

  it('updates a job from what show printed, for the revision that was named', async () => {
    bench.answer({ 'PUT /jobs/nightly': { body: JOB } });
    writeFileSync(join(bench.folder, 'job.json'), JSON.stringify(JOB));
    await bench.run(['job', 'update', 'nightly', '--file', 'job.json', '--revision', '3']);
    const { revision: _r, replaces: _p, state: _s, ...shown } = JOB;
    const {
      nextRunAt: _n,
      lastSession: _l,
      nextTryAt: _t,
      skippedStarts: _k,
      missedStartAt: _m,
      ...rest
    } = shown;
    expect(bench.seen[0]?.body).toEqual(rest);
    expect(bench.seen[0]?.headers['if-match']).toBe('3');
  });

  it('starts a job with its overrides and prints the session', async () => {
    bench.answer({ 'POST /jobs/nightly/start': { status: 202, body: { sessionId: SESSION.id } } });
    const { out } = await bench.run([
      'job',
      'start',
      'nightly',
      '-w',
      'web01',
      'db02',
      '--active-full',
      '--now',
      '--all',
      '--idempotency-key',
      'k',
    ]);
    expect(out).toBe(`${SESSION.id}\n`);
    expect(bench.seen[0]).toMatchObject({
      body: { workloads: ['web01', 'db02'], activeFull: true, now: true, restorePoints: 'all' },
      headers: { 'idempotency-key': 'k' },
    });
  });

  it('deletes a job', async () => {
    bench.answer({ 'DELETE /jobs/nightly': { status: 204 } });
    const { code, out } = await bench.run(['job', 'delete', 'nightly']);
    expect([code, out]).toEqual([0, 'Job nightly is deleted; its copies stay.\n']);
  });
});

describe('job plan', () => {
  it('of a file sends the definition, page after page', async () => {
    const workload = {
      ...{ workload: 'web01', algorithm: 'full', restorePoints: ['p1'], estimatedBytes: null },
      ...{ reasons: [], lookAgainAt: null, omitted: 0 },
      retention: { keep: [], actions: [], warnings: [] },
    };
    bench.answer({
      'POST /plans': { body: { workloads: [workload], nextCursor: 'a b' } },
      'POST /plans?cursor=a%20b': { body: { workloads: [{ ...workload, workload: 'db07' }] } },
    });
    writeFileSync(join(bench.folder, 'job.json'), JSON.stringify(JOB));
    const { code, out } = await bench.run(['job', 'plan', '--file', 'job.json']);
    expect(code).toBe(0);
    expect(out).toMatch(/web01[^]*db07/);
    expect(bench.seen.map(({ body }) => body)).toMatchObject([
      { id: 'nightly' },
      { id: 'nightly' },
    ]);
    expect(bench.seen[0]?.body).not.toHaveProperty('revision');
  });

  it('wants a job or a file', async () => {
    expect((await bench.run(['job', 'plan'])).code).toBe(2);
    expect((await bench.run(['job', 'plan', 'nightly', '--file', 'job.json'])).code).toBe(2);
    expect(bench.seen).toEqual([]);
  });
});

describe('job disable and enable', () => {
  it('take several jobs, as before work on the storage of all of them', async () => {
    bench.answer({
      'POST /jobs/nightly/disable': { body: { ...JOB, state: 'disabled' } },
      'POST /jobs/weekly/disable': { body: { ...JOB, state: 'disabled' } },
    });
    const { out, code } = await bench.run(['job', 'disable', 'nightly', 'weekly']);
    expect(code).toBe(0);
    expect(out).toBe('Job nightly is disabled.\nJob weekly is disabled.\n');
  });

  it('with --all leave out what is disabled, and say how the same are enabled again', async () => {
    const job = (id: string, state: string) => ({ ...JOB, id, state });
    const unread = { id: 'unread', name: null, mode: 'periodic', state: 'unknown', reason: 'away' };
    bench.answer({
      'GET /jobs': {
        body: {
          items: [
            ...[job('nightly', 'enabled'), job('old', 'disabled'), job('odd', 'actionRequired')],
            ...[
              { ...unread, paused: false },
              { ...unread, id: 'kept', paused: true },
            ],
          ],
        },
      },
      'POST /jobs/nightly/disable': { body: job('nightly', 'disabled') },
      'POST /jobs/odd/disable': { body: job('odd', 'disabled') },
      'POST /jobs/unread/disable': { status: 503, body: { code: 'TEMPORAL_UNREACHABLE' } },
    });
    const { out, err, code } = await bench.run(['job', 'disable', '--all']);
    expect(out).toBe(
      'Job nightly is disabled.\nJob odd is disabled.\nTo enable the same again: longhaul job enable nightly odd unread\n',
    );
    expect(err).toContain('TEMPORAL_UNREACHABLE');
    expect(code).not.toBe(0);
  });

  it.each([[], ['nightly', '--all']])('want jobs by name or all of them: %j', async (...words) => {
    expect((await bench.run(['job', 'disable', ...words])).code).toBe(2);
    expect(bench.seen).toEqual([]);
  });

  it('end at the first that there is not, and show which were changed', async () => {
    bench.answer({
      'POST /jobs/nightly/enable': { body: { ...JOB, state: 'enabled' } },
      'POST /jobs/wekly/enable': { status: 404, body: { code: 'JOB_MISSING', detail: 'no job' } },
    });
    const { out, err, code } = await bench.run(['job', 'enable', 'nightly', 'wekly', 'other']);
    expect(code).not.toBe(0);
    expect(out).toBe('Job nightly is enabled.\n');
    expect(err).toContain('JOB_MISSING');
    expect(bench.seen).toHaveLength(2);
  });
});
