import { afterAll, beforeAll, expect, it } from 'vitest';
import proto from '@temporalio/proto';
import type { MaintenanceSchedule } from '../../../src/domain/schedules/job-schedule.js';
import type { OperationStatus } from '../../../src/domain/sessions/operation.js';
import { dayOf, isoDateOf, isSunday } from '../../support/living/calendar-of-copies.js';
import { LivingSite } from '../../support/living/living-site.js';
import { definitionOf } from '../../support/living/session-over-api.js';
import { testJob } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { until } from '../../support/session/until.js';
import { describeTemporal } from '../../support/temporal/server.js';
import { startApiServer, type ApiServer } from '../api/support/api-server.js';

const LAST_SUNDAY: MaintenanceSchedule = {
  every: 'month',
  day: 'sunday',
  time: '05:00',
  timeZone: 'UTC',
};

describeTemporal('the health check of a job', () => {
  let living: LivingSite;
  let workers: TestWorkers;
  let api: ApiServer;
  beforeAll(async () => {
    living = await LivingSite.create();
    workers = await TestWorkers.start(living.site);
    api = await startApiServer({ client: workers.client });
  });
  afterAll(async () => {
    await api.close();
    await workers.stop();
    await living.site.remove();
  });

  async function create(id: string, healthCheck: MaintenanceSchedule | null): Promise<void> {
    const job = definitionOf(testJob({ id, healthCheck }));
    expect((await api.request('POST', '/jobs', job)).status).toBe(201);
  }

  async function change(id: string, healthCheck: MaintenanceSchedule | null): Promise<void> {
    const job = definitionOf(testJob({ id, healthCheck }));
    const { status } = await api.request('PUT', `/jobs/${id}`, job, { 'If-Match': '*' });
    expect(status).toBe(200);
  }

  function scheduleOf(id: string) {
    return workers.client.schedule.getHandle(`health/${id}`);
  }

  async function isThere(id: string): Promise<boolean> {
    return scheduleOf(id)
      .describe()
      .then(
        () => true,
        () => false,
      );
  }

  /** When it starts, as the Temporal server works it out; RFC 3339 UTC to the minute. */
  async function startsOf(id: string, from: string, to: string): Promise<string[]> {
    const instant = (date: string) =>
      proto.google.protobuf.Timestamp.fromObject({ seconds: Date.parse(date) / 1000 });
    const { startTime } = await workers.client.workflowService.listScheduleMatchingTimes({
      namespace: workers.client.options.namespace,
      scheduleId: `health/${id}`,
      startTime: instant(from),
      endTime: instant(to),
    });
    return startTime.map(({ seconds }) =>
      new Date(Number(seconds) * 1000).toISOString().slice(0, 16),
    );
  }

  // 29 February 2028 is a Tuesday.
  it.each([
    ['sunday', 0],
    ['tuesday', 2],
  ] as const)('starts on the last %s of every month, in leap years too', async (day, weekday) => {
    await create(`monthly-${day}`, { ...LAST_SUNDAY, day });
    const starts: string[] = [];
    for (let n = dayOf('2027-01-01'); n < dayOf('2029-01-01'); n++) {
      const isLast = isoDateOf(n + 7).slice(0, 7) !== isoDateOf(n).slice(0, 7);
      if (isSunday(n - weekday) && isLast) starts.push(`${isoDateOf(n)}T05:00`);
    }
    expect(starts).toHaveLength(24);
    expect(await startsOf(`monthly-${day}`, '2027-01-01', '2029-01-01')).toEqual(starts);
  });

  it('starts each week in its own time zone', async () => {
    await create('weekly', { ...LAST_SUNDAY, every: 'week', timeZone: 'Europe/Berlin' });
    expect(await startsOf('weekly', '2027-03-14', '2027-04-05')).toEqual([
      ...['2027-03-14T04:00', '2027-03-21T04:00', '2027-03-28T03:00', '2027-04-04T03:00'],
    ]);
  });

  it('comes, changes and goes with the definition', async () => {
    await create('edited', null);
    expect(await isThere('edited')).toBe(false);
    await change('edited', LAST_SUNDAY);
    expect(await isThere('edited')).toBe(true);
    await change('edited', { ...LAST_SUNDAY, time: '06:30' });
    expect(await startsOf('edited', '2027-01-01', '2027-02-01')).toEqual(['2027-01-31T06:30']);
    await change('edited', null);
    expect(await isThere('edited')).toBe(false);
  });

  it('is paused, resumed and deleted together with the job', async () => {
    await create('switched', LAST_SUNDAY);
    const isPaused = async () => (await scheduleOf('switched').describe()).state.paused;
    await api.request('POST', '/jobs/switched/disable');
    expect(await isPaused()).toBe(true);
    await change('switched', { ...LAST_SUNDAY, time: '07:00' });
    expect(await isPaused()).toBe(true);
    await api.request('POST', '/jobs/switched/enable');
    expect(await isPaused()).toBe(false);
    await api.request('DELETE', '/jobs/switched');
    expect(await isThere('switched')).toBe(false);
  });

  it('is not listed as a job', async () => {
    await create('alone', LAST_SUNDAY);
    await until(async () => {
      const { body } = await api.request('GET', '/jobs');
      const ids = (body.items as { id: string }[]).map(({ id }) => id);
      return ids.includes('alone') && !ids.some((id) => id.includes('health'));
    });
  });

  it('verifies what the job has copied to its target, and nothing else', async () => {
    await workers.runSession(testJob({ id: 'checked' }));
    await workers.runSession(testJob({ id: 'other' }));
    await create('checked', LAST_SUNDAY);
    await scheduleOf('checked').trigger();
    let workflowId = '';
    await until(async () => {
      const { info } = await scheduleOf('checked').describe();
      workflowId = info.recentActions[0]?.action.workflow.workflowId ?? '';
      return workflowId !== '';
    });
    expect(workflowId).toMatch(/^verify\/offsite\/checked-/);
    const status = await workers.client.workflow
      .getHandle<(input: object) => Promise<OperationStatus>>(workflowId)
      .result();
    expect(status).toMatchObject({
      result: 'success',
      reason: '2 restore points are as they were written',
    });
    const operation = await api.request('GET', `/operations/${workflowId.replaceAll('/', '.')}`);
    expect(operation.body).toMatchObject({ kind: 'verify', repositoryId: 'offsite' });
  });
});
