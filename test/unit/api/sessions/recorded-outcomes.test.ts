import { expect, it } from 'vitest';
import { RecordedOutcomes } from '../../../../src/api/sessions/recorded-outcomes.js';
import { NO_TASKS, newTask } from '../../../../src/domain/sessions/copy-session.js';
import { BackupError } from '../../../../src/domain/errors.js';

const JOB = { job: { id: 'quarterly', target: { repositoryId: 'offsite' } }, createdAtMs: 1 };
const NIGHT = '2026-08-01T22:00:00Z';

function record(id: string, result: string, changes: object = {}) {
  const task = { ...newTask('db07', 'id-db07'), result };
  const taskCounts = { ...NO_TASKS, [result]: 1 };
  return {
    id,
    result,
    startedAt: NIGHT,
    trigger: 'schedule',
    taskCounts,
    tasks: [task],
    ...changes,
  };
}

/** A target with these records, newest first; null: it is away. */
function target(records: readonly ReturnType<typeof record>[] | null) {
  let nowMs = 2 * 86_400_000;
  const asked: unknown[] = [];
  const site = { records };
  const browser = {
    sessionRecords: async (_id: string, filter: object) => {
      asked.push(filter);
      if (site.records === null) throw new BackupError('REPOSITORY_UNREACHABLE', 'no answer');
      return { items: site.records };
    },
    sessionRecord: async (_id: string, { sessionId }: { sessionId: string }) =>
      site.records?.find(({ id }) => id === sessionId) ?? null,
  };
  const outcomes = new RecordedOutcomes(browser as never, () => nowMs);
  return { site, asked, outcomes, pass: (ms: number) => (nowMs += ms) };
}

it('tells what the last session of a job left that Temporal has forgotten, asked once in half an hour', async () => {
  const { outcomes, asked, pass } = target([
    record('second', 'actionRequired'),
    record('first', 'success'),
  ]);
  expect(outcomes.known(JOB)).toBeNull();
  expect((await outcomes.of(JOB))?.undecided?.id).toBe('second');
  expect(outcomes.known(JOB)?.undecided?.id).toBe('second');
  expect(asked).toEqual([{ jobId: 'quarterly', fromMs: 1, toMs: null, result: null }]);
  pass(31 * 60_000);
  await outcomes.of(JOB);
  expect(asked).toHaveLength(2);
});

it('looks behind retries, which are over what had failed', async () => {
  const { outcomes } = target([
    record('retry', 'success', { trigger: 'retry', tasks: [], taskCounts: NO_TASKS }),
    record('first', 'failed'),
  ]);
  expect((await outcomes.of(JOB))?.fault?.id).toBe('first');
  const made = target([
    record('retry', 'success', { trigger: 'retry' }),
    record('first', 'failed'),
  ]);
  expect(await made.outcomes.of(JOB)).toMatchObject({ fault: null });
});

it('keeps what it knows while the target is away, and asks again after a minute', async () => {
  const { site, outcomes, asked, pass } = target([record('first', 'failed')]);
  await outcomes.of(JOB);
  site.records = null;
  pass(31 * 60_000);
  expect((await outcomes.of(JOB))?.fault?.id).toBe('first');
  pass(59_000);
  await outcomes.of(JOB);
  expect(asked).toHaveLength(2);
  const away = target(null);
  expect(await away.outcomes.of(JOB)).toBeNull();
});

it('asks for no records of a job that was made today', async () => {
  const { outcomes, asked, pass } = target([record('other', 'failed')]);
  pass(-2 * 86_400_000);
  expect(await outcomes.of(JOB)).toBeNull();
  expect(asked).toEqual([]);
});

it('knows nothing before the first look, nor when that was in vain, and stays with what it read', async () => {
  const { site, outcomes, pass } = target(null);
  expect(outcomes.isKnown(JOB)).toBe(false);
  await outcomes.of(JOB);
  expect(outcomes.isKnown(JOB)).toBe(false);
  site.records = [];
  pass(61_000);
  expect(outcomes.known(JOB)).toBeNull();
  await expect.poll(() => outcomes.isKnown(JOB)).toBe(true);
  site.records = null;
  pass(31 * 60_000);
  await outcomes.of(JOB);
  expect(outcomes.isKnown(JOB)).toBe(true);
  expect(outcomes.isKnown({ ...JOB, createdAtMs: 2 * 86_400_000 })).toBe(true);
});
