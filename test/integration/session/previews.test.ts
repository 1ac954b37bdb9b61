import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeJobDefinition } from '../../../src/chain/sessions/session-record.js';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { startApiServer, type ApiServer } from '../api/support/api-server.js';
import { definitionOf } from '../../support/living/session-over-api.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

describeTemporal('what is asked before a job is stored', () => {
  let site: TestSite;
  let workers: TestWorkers;
  let api: ApiServer;
  beforeAll(async () => {
    site = await TestSite.create();
    workers = await TestWorkers.start(site);
    api = await startApiServer({ client: workers.client, repositories: site.repositories });
  });
  afterAll(async () => {
    await api.close();
    await workers.stop();
    await site.remove();
  });

  function definition(changes: Parameters<typeof testJob>[0] = {}): object {
    return definitionOf(testJob(changes));
  }

  it('plans a definition and writes nothing', async () => {
    const { status, body } = await api.request('POST', '/plans', definition());
    expect(status).toBe(200);
    expect(body.workloads).toMatchObject([
      { workload: 'web01', algorithm: 'full' },
      { workload: 'files01', algorithm: 'full' },
    ]);
    expect((body.workloads as { restorePoints: string[] }[])[0]?.restorePoints).toHaveLength(3);
    expect(await readdir(site.path('offsite'))).toEqual([]);
    expect((await api.request('GET', '/jobs')).body.items).toEqual([]);
  });

  it('plans another definition of the same name as another one', async () => {
    const one = { include: [{ repositoryId: 'primary', workloads: ['web01'] }], exclude: [] };
    const { body } = await api.request('POST', '/plans', definition({ sources: one }));
    expect(body.workloads).toMatchObject([{ workload: 'web01' }]);
  });

  it('refuses to plan what could not be stored', async () => {
    const target = { repositoryId: 'primary' };
    const { status, body } = await api.request('POST', '/plans', definition({ target }));
    expect([status, body.code]).toEqual([422, 'JOB_RULE_BROKEN']);
  });

  it('refuses to plan what its sessions would, for copies of another job under its id', async () => {
    const offsite = await openDirectoryRepository({
      ...{ id: 'offsite', rootPath: site.path('offsite'), readOnly: false },
    });
    const left = { ...testJob({ id: 'left', name: 'Left' }), origin: 'another server' };
    await writeJobDefinition(offsite, left);
    const made = await api.request('POST', '/jobs', definition({ id: 'right', name: 'Right' }));
    await writeJobDefinition(offsite, { ...left, id: 'right' });
    await writeJobDefinition(offsite, await storedJob('own'));
    const plans = [];
    for (const id of ['left', 'right', 'own'])
      plans.push((await api.request('POST', '/plans', definition({ id, name: id }))).body.code);
    expect([made.status, ...plans]).toEqual([
      ...[201, 'COPIES_OF_OTHER_JOB', 'COPIES_OF_OTHER_JOB'],
      undefined,
    ]);
  });

  /** As its Schedule carries it. */
  async function storedJob(id: string): Promise<CopyJob> {
    await api.request('POST', '/jobs', definition({ id, name: id }));
    const { action } = await workers.client.schedule.getHandle(`job/${id}`).describe();
    return (action.args as unknown as [{ job: CopyJob }])[0].job;
  }

  const clock = new Intl.DateTimeFormat('en-GB', {
    timeZone: 'Europe/Berlin',
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
  });

  it('tells the next ten starts as clocks in the zone of the job show them', async () => {
    const schedule = { type: 'weekly', days: ['monday', 'friday'], time: '22:00' };
    const request = { schedule, timeZone: 'Europe/Berlin' };
    const { status, body } = await api.request('POST', '/schedules/preview', request);
    expect([status, body.timeZone]).toEqual([200, 'Europe/Berlin']);
    const times = (body.times as string[]).map((time) => clock.format(new Date(time)));
    expect(times).toHaveLength(10);
    expect(new Set(times)).toEqual(new Set(['Mon 22:00', 'Fri 22:00']));
    expect(Date.parse((body.times as string[])[0]!)).toBeGreaterThan(Date.now());
  });

  it.each([
    { type: 'cron', expression: '30 3 * * 1-5', timeZone: 'America/New_York' },
    { type: 'monthly', day: 'last', time: '01:30', timeZone: 'UTC' },
    { type: 'interval', everyMinutes: 90 },
  ] as const)('begins with the start that the stored job shows: $type', async (schedule) => {
    const { body } = await api.request('POST', '/schedules/preview', { schedule });
    const id = `as-${schedule.type}`;
    const made = await api.request('POST', '/jobs', definition({ id, name: id, schedule }));
    const [first = ''] = body.times as string[];
    const lateMs = Date.parse(made.body.nextRunAt as string) - Date.parse(first);
    // The starts of intervals are spread over a minute at most, and the preview is of the calendar.
    expect(lateMs).toBeGreaterThanOrEqual(0);
    expect(lateMs).toBeLessThanOrEqual(schedule.type === 'interval' ? 60_000 : 0);
  });

  it('has none of a schedule without a calendar, and leaves nothing behind', async () => {
    const schedule = { type: 'manual' };
    const { body } = await api.request('POST', '/schedules/preview', { schedule });
    expect(body.times).toEqual([]);
    const left: string[] = [];
    await expect
      .poll(async () => {
        left.length = 0;
        for await (const { scheduleId } of workers.client.schedule.list()) left.push(scheduleId);
        return left.filter((id) => id.startsWith('preview/'));
      })
      .toEqual([]);
  });

  it('names the fault of a schedule', async () => {
    const schedule = { type: 'cron', expression: '99 3 * * *', timeZone: 'UTC' };
    const { status, body } = await api.request('POST', '/schedules/preview', { schedule });
    expect([status, body.code]).toEqual([422, 'JOB_RULE_BROKEN']);
    expect(body.errors).toMatchObject([{ path: 'schedule.expression' }]);
  });
});
