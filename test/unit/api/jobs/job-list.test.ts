import { setTimeout } from 'node:timers/promises';
import type { Client, ScheduleDescription, ScheduleSummary } from '@temporalio/client';
import { describe, expect, it, vi } from 'vitest';
import type { DefinitionMemory } from '../../../../src/api/jobs/definition-memory.js';
import { JobList, type JobsBefore } from '../../../../src/api/jobs/job-list.js';
import { enabledNote } from '../../../../src/api/jobs/missed-start.js';
import type { SessionStore } from '../../../../src/api/sessions/session-store.js';
import { testJob } from '../../../support/session/test-site.js';

const NOW = new Date('2026-11-27T12:00:00Z');
const FIRST = new Date('2026-11-27T22:00:00Z');
const SECOND = new Date('2026-11-28T22:00:00Z');

interface Schedule {
  readonly version: string;
  readonly name: string;
  readonly paused?: boolean;
  readonly missedStarts?: 'run' | 'skip';
  readonly missed?: number;
  readonly next?: Date;
  readonly failure?: Error;
  readonly note?: string;
  readonly description?: string;
}

/** Schedules as the server lists and describes them; what is described is counted. Their calendars have one time, that of two hours ago. */
function listOf(
  schedules: Record<string, Schedule>,
  sessionsFail = false,
  more: Partial<SessionStore> = {},
  before: JobsBefore = {},
) {
  const described: string[] = [];
  const carried = ({ version, paused = false, next = FIRST, missed = 0, note }: Schedule) => ({
    typedSearchAttributes: {
      get: ({ name }: { name: string }) => (name === 'LonghaulJobVersion' ? version : name),
    },
    state: { paused, note },
    info: {
      recentActions: [],
      nextActionTimes: [next],
      numActionsMissedCatchupWindow: missed,
      createdAt: new Date(NOW.getTime() - 86_400_000),
    },
  });
  const client = {
    options: { namespace: 'test' },
    workflowService: {
      listScheduleMatchingTimes: () =>
        Promise.resolve({ startTime: [{ seconds: NOW.getTime() / 1_000 - 7_200 }] }),
    },
    withDeadline: (_deadline: number, call: () => unknown) => call(),
    schedule: {
      async *list() {
        for (const [id, schedule] of Object.entries(schedules))
          yield { scheduleId: `job/${id}`, ...carried(schedule) } as unknown as ScheduleSummary;
      },
    },
  } as unknown as Client;
  const sessions = {
    latestByJob: async () => {
      if (sessionsFail) throw new Error('broken');
      return { sessions: new Map(), isComplete: true };
    },
    ...more,
  } as unknown as SessionStore;
  const list = new JobList(client, sessions, () => NOW.getTime(), before);
  const describe = async (id: string) => {
    described.push(id);
    const { name, missedStarts = 'run', failure, description = null } = schedules[id]!;
    if (failure !== undefined) throw failure;
    const job = { ...testJob(), id, name, missedStarts, description };
    return {
      ...carried(schedules[id]!),
      action: { args: [{ job }] },
    } as unknown as ScheduleDescription;
  };
  return { list, described, describe, all: async () => (await list.all(describe)).items };
}

it('asks for the definition of a job once, and again when the list carries another version', async () => {
  const schedules: Record<string, Schedule> = {
    hourly: { version: '1 a', name: 'old' },
    nightly: { version: '1 b', name: 'kept' },
  };
  const { all, described } = listOf(schedules);
  await all();
  await all();
  expect(described).toEqual(['hourly', 'nightly']);

  schedules.hourly = { version: '2 c', name: 'new' };
  const items = await all();

  expect(described).toEqual(['hourly', 'nightly', 'hourly']);
  expect(items.map(({ name }) => name)).toEqual(['new', 'kept']);
});

it('asks once for the definitions that two lists want at the same time', async () => {
  const { all, described } = listOf({ nightly: { version: '1 a', name: 'nightly' } });
  const [first, second] = await Promise.all([all(), all()]);
  expect(described).toEqual(['nightly']);
  expect(second).toEqual(first);
});

it('asks for itself when the call of a list that it joined fails', async () => {
  const { list, describe } = listOf({ nightly: { version: '1 a', name: 'nightly' } });
  const late = list.all(async (id) => {
    await describe(id);
    throw new Error('its deadline is over');
  });
  const { items } = await list.all(describe);
  expect(items.map(({ name }) => name)).toEqual(['nightly']);
  await late;
});

it('asks again after a while, for what somebody has edited in Temporal itself', async () => {
  const clock = vi.spyOn(performance, 'now').mockReturnValue(1_000);
  const { all, described } = listOf({ nightly: { version: '1 a', name: 'nightly' } });
  const listAfterMinutes = async (minutes: number) => {
    clock.mockReturnValue(1_000 + minutes * 60_000);
    await setTimeout(5); // so long the cache goes by the time that it asked for last
    await all();
  };
  try {
    await listAfterMinutes(0);
    await listAfterMinutes(7); // half of the longest: before it no definition is asked for again
    expect(described).toEqual(['nightly']);
    await listAfterMinutes(16);
    expect(described).toEqual(['nightly', 'nightly']);
  } finally {
    clock.mockRestore();
  }
});

it('asks anew after a write while another list is asking', async () => {
  const schedules: Record<string, Schedule> = { nightly: { version: '1 a', name: 'nightly' } };
  const { all, described, describe, list } = listOf(schedules);
  const before = list.all(async (id) => {
    const found = await describe(id);
    schedules.nightly = { version: '2 b', name: 'renamed' };
    list.noteWrite(id);
    await all();
    return found;
  });
  await before;
  expect(described).toEqual(['nightly', 'nightly']);
});

it('shows of a job whose definition it knows what the list says now', async () => {
  const schedules: Record<string, Schedule> = { nightly: { version: '1 a', name: 'nightly' } };
  const { all, described } = listOf(schedules);
  const [before] = await all();
  schedules.nightly = { ...schedules.nightly!, next: SECOND };
  const [later] = await all();
  schedules.nightly = { ...schedules.nightly, paused: true };
  const [paused] = await all();

  expect(described).toEqual(['nightly']);
  expect(before).toMatchObject({ state: 'enabled', nextRunAt: '2026-11-27T22:00:00.000Z' });
  expect(later).toMatchObject({ state: 'enabled', nextRunAt: '2026-11-28T22:00:00.000Z' });
  expect(paused).toMatchObject({ state: 'disabled', nextRunAt: null });
});

it('counts skipped starts anew when a time has passed, in a job that skips them', async () => {
  const schedules: Record<string, Schedule> = {
    skips: { version: '1 a', name: 'skips', missedStarts: 'skip' },
  };
  const { all, described } = listOf(schedules);
  await all();
  await all();
  schedules.skips = { ...schedules.skips!, next: SECOND, missed: 4 };

  expect(await all()).toMatchObject([{ skippedStarts: 4 }]);
  expect(described).toEqual(['skips', 'skips']);
});

it('asks for what this process has just written, because the list of Schedules may be behind', async () => {
  const schedules: Record<string, Schedule> = { nightly: { version: '1 a', name: 'nightly' } };
  const { all, described, list } = listOf(schedules);
  await all();
  list.noteWrite('nightly');
  await all();
  expect(described).toEqual(['nightly', 'nightly']);
});

it('lists all jobs when one cannot be described, and asks for that one again', async () => {
  const failure = new Error('broken');
  const schedules: Record<string, Schedule> = {
    broken: { version: '1 a', name: 'broken', failure },
    whole: { version: '1 b', name: 'whole' },
  };
  const { all, described } = listOf(schedules);

  expect(await all()).toMatchObject([
    { id: 'broken', state: 'unknown' },
    { id: 'whole', state: 'enabled' },
  ]);
  await all();
  expect(described).toEqual(['broken', 'whole', 'broken']);
});

it('tells no start as missed while nobody knows the sessions, which may have come of it', async () => {
  const schedules: Record<string, Schedule> = {
    skips: { version: '1 a', name: 'skips', missedStarts: 'skip', missed: 1 },
  };
  expect(await listOf(schedules).all()).toMatchObject([
    { missedStartAt: '2026-11-27T10:00:00.000Z' },
  ]);
  expect(await listOf(schedules, true).all()).toMatchObject([
    { state: 'enabled', missedStartAt: null },
  ]);
});

it('knows since when a job stands as it is: since it was written, or enabled later', async () => {
  const { list, describe } = listOf({ nightly: { version: '1 a', name: 'nightly' } });
  const { standsSinceMs } = await list.all(describe);
  expect([...standsSinceMs]).toEqual([['nightly', NOW.getTime() - 86_400_000]]);
  const enabledMs = NOW.getTime() - 60_000;
  const noted = listOf({
    nightly: { version: '1 a', name: 'nightly', note: enabledNote(enabledMs) },
  });
  const { standsSinceMs: later } = await noted.list.all(noted.describe);
  expect([...later]).toEqual([['nightly', enabledMs]]);
});

it('asks for the sessions of a job of which a list that is cut does not show all that bears on it', async () => {
  const newest = { id: 'x', state: 'ended', startedAt: NOW.toISOString() };
  const outcomeOf = (isKnown: boolean, undecided: object | null) => ({
    ...{ newest: { ...newest, nextTryAt: null } },
    outcome: { fault: null, undecided, isFaultKnown: isKnown, isDecisionKnown: isKnown },
  });
  const asked: string[] = [];
  const cut = {
    latestByJob: async () => {
      const sessions = new Map([
        ['known', outcomeOf(true, null)],
        ['cut', outcomeOf(false, null)],
      ]);
      return { sessions, isComplete: false };
    },
    latestOf: async (id: string) => {
      asked.push(id);
      return id === 'cut' ? outcomeOf(true, { id: 'decided-by-nobody' }) : null;
    },
  } as unknown as Partial<SessionStore>;
  const names = Object.fromEntries(
    ['known', 'cut', 'absent'].map((id) => [id, { version: '1 a', name: id }]),
  );
  const { list, describe } = listOf(names, false, cut);
  const { items, outcomes } = await list.all(describe);
  expect(asked.sort()).toEqual(['absent', 'cut']);
  expect(items.map(({ id, state }) => [id, state])).toEqual([
    ['absent', 'enabled'],
    ['cut', 'actionRequired'],
    ['known', 'enabled'],
  ]);
  expect(outcomes.get('cut')?.undecided?.id).toBe('decided-by-nobody');

  await list.all(describe);
  expect(asked).toHaveLength(2);
  newest.state = 'running';
  await list.all(describe);
  expect(asked.slice(2)).toEqual(['cut']);
  list.noteWrite('absent');
  await list.all(describe);
  expect(asked.slice(3)).toEqual(['absent']);
});

it('says that it does not know all while the records of a job without sessions were not read', async () => {
  const known = { isKnown: false };
  const recorded = { known: () => null, isKnown: () => known.isKnown } as never;
  const schedules = { nightly: { version: '1 a', name: 'nightly' } };
  const { list, describe } = listOf(schedules, false, {}, { recorded });
  expect((await list.all(describe)).areOutcomesKnown).toBe(false);
  known.isKnown = true;
  expect((await list.all(describe)).areOutcomesKnown).toBe(true);
  const unasked = listOf(schedules);
  expect((await unasked.list.all(unasked.describe)).areOutcomesKnown).toBe(true);
});

describe('the first list after a start', () => {
  function kept(): DefinitionMemory {
    let definitions: Awaited<ReturnType<DefinitionMemory['read']>> = new Map();
    return {
      read: async () => definitions,
      write: (latest) => {
        definitions = new Map(latest);
      },
    };
  }
  const many = (): Record<string, Schedule> =>
    Object.fromEntries(
      Array.from({ length: 200 }, (_, number) => [
        `job-${number}`,
        { version: `1 ${number}`, name: `job ${number}` },
      ]),
    );

  it('asks for no definition of 200 jobs that the process before has read', async () => {
    const memory = kept();
    const before = listOf(many(), false, {}, { memory });
    const shown = await before.all();
    expect(before.described).toHaveLength(200);
    const after = listOf(many(), false, {}, { memory });
    expect(await after.all()).toEqual(shown);
    expect(after.described).toEqual([]);
  });

  it('asks for those that were written since, and for starts that may have been left out since', async () => {
    const memory = kept();
    const schedules = {
      ...many(),
      hourly: { version: '1 x', name: 'hourly', missedStarts: 'skip' },
    };
    await listOf(schedules as Record<string, Schedule>, false, {}, { memory }).all();
    const changed: Record<string, Schedule> = {
      ...many(),
      'job-7': { version: '2 later', name: 'changed' },
      hourly: { version: '1 x', name: 'hourly', missedStarts: 'skip', next: SECOND },
    };
    const after = listOf(changed, false, {}, { memory });
    const items = await after.all();
    expect(after.described.sort()).toEqual(['hourly', 'job-7']);
    expect(items.find(({ id }) => id === 'job-7')?.name).toBe('changed');
  });

  it('shows what somebody had edited in Temporal itself, once the process before had read it', async () => {
    const memory = kept();
    await listOf({ nightly: { version: '1 a', name: 'first' } }, false, {}, { memory }).all();
    const clock = vi.spyOn(performance, 'now').mockReturnValue(1_000);
    try {
      const edited = { nightly: { version: '1 a', name: 'edited' } };
      const before = listOf(edited, false, {}, { memory });
      await before.all();
      clock.mockReturnValue(1_000 + 16 * 60_000);
      await setTimeout(5);
      await before.all();
      expect(before.described).toEqual(['nightly']);
      const after = listOf(edited, false, {}, { memory });
      expect((await after.all()).map(({ name }) => name)).toEqual(['edited']);
      expect(after.described).toEqual([]);
    } finally {
      clock.mockRestore();
    }
  });

  it('asks for a definition that is long, and remembers the others', async () => {
    const memory = kept();
    const jobs = {
      long: { version: '1 a', name: 'long', description: 'x'.repeat(70_000) },
      short: { version: '1 b', name: 'short' },
    };
    await listOf(jobs, false, {}, { memory }).all();
    const after = listOf(jobs, false, {}, { memory });
    expect((await after.all()).map(({ name }) => name).sort()).toEqual(['long', 'short']);
    expect(after.described).toEqual(['long']);
  });

  it('remembers no job that is gone', async () => {
    const memory = kept();
    await listOf(many(), false, {}, { memory }).all();
    const few = { 'job-1': many()['job-1']! };
    await listOf(few, false, {}, { memory }).all();
    expect([...(await memory.read()).keys()]).toEqual(['job-1']);
  });
});
