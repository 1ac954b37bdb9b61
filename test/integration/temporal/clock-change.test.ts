import { Client, Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { calendarOf } from '../../../src/domain/schedules/schedule.js';
import { connectTemporal } from '../../../src/temporal/connect.js';
import { ownNamespace } from '../../support/temporal/own-namespace.js';
import { describeTemporal, temporalAddress } from '../../support/temporal/server.js';

const DAY_MS = 86_400_000;
const FROM = Date.parse('2026-01-01T12:00Z');
const UNTIL = Date.parse('2028-01-01T12:00Z');

/** The server's own answer when a Schedule starts, by the dates that clocks of the zone show then. */
describeTemporal('the starts that the Temporal server finds in a daily schedule', () => {
  let connection: Connection;
  let client: Client;
  beforeAll(async () => {
    connection = await Connection.connect({ address: temporalAddress() });
    const { client: prepared, connection: other } = await connectTemporal(await ownNamespace());
    const { namespace } = prepared.options;
    await other.close();
    client = new Client({ connection, namespace });
  });
  afterAll(() => connection.close());

  async function startDates(time: string, timeZone: string): Promise<string[]> {
    const scheduleId = `daily/${timeZone}/${time}`;
    await client.schedule.create({
      scheduleId,
      spec: calendarOf({ type: 'daily', time, timeZone }, FROM)!,
      state: { paused: true },
      action: { type: 'startWorkflow', workflowType: 'none', taskQueue: 'none', args: [] },
    });
    const timestamp = (ms: number) =>
      proto.google.protobuf.Timestamp.fromObject({ seconds: ms / 1_000 });
    const answer = await client.workflowService.listScheduleMatchingTimes({
      namespace: client.options.namespace,
      scheduleId,
      startTime: timestamp(FROM),
      endTime: timestamp(UNTIL),
    });
    const format = new Intl.DateTimeFormat('sv-SE', { timeZone });
    return answer.startTime.map(({ seconds }) => format.format(Number(seconds) * 1_000));
  }

  // Clocks go forward or back at 01:00 UTC, at 02:00, by half an hour, at midnight, across midnight, or around Ramadan.
  it.each([
    ['Europe/Berlin', '02:30'],
    ['Europe/London', '01:30'],
    ['America/New_York', '01:30'],
    ['America/New_York', '02:30'],
    ['America/St_Johns', '01:15'],
    ['America/Havana', '00:30'],
    ['America/Santiago', '23:30'],
    ['America/Santiago', '00:00'],
    ['America/Nuuk', '23:30'],
    ['Australia/Lord_Howe', '01:45'],
    ['Australia/Lord_Howe', '02:15'],
    ['Africa/Cairo', '00:00'],
    ['Africa/Cairo', '23:30'],
    ['Africa/Casablanca', '02:30'],
    ['Asia/Beirut', '00:00'],
    ['Pacific/Apia', '22:00'],
    ['America/Sao_Paulo', '00:00'],
    ['UTC', '02:30'],
  ])('are in %s at %s one on each day of two years', async (timeZone, time) => {
    const dates = await startDates(time, timeZone);
    const expected: string[] = [];
    // The zones lie within 14 hours of UTC, so the days inside are whole ones.
    for (let ms = FROM + DAY_MS; ms < UNTIL - DAY_MS; ms += DAY_MS)
      expected.push(new Date(ms).toISOString().slice(0, 10));
    const [first, last] = [expected[0]!, expected.at(-1)!];
    expect(dates.filter((date) => date >= first && date <= last)).toEqual(expected);
  });
});
