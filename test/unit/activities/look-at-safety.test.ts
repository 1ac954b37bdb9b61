import { expect, it } from 'vitest';
import { createNotifyActivities } from '../../../activities/watch/notify-activities.js';
import type { SafetyProblem } from '../../../src/domain/safety/problem-groups.js';
import { jsonBytes } from '../../../src/domain/sessions/task-brief.js';
import type { SafetySeen } from '../../../src/domain/safety/safety-facts.js';
import { inActivity } from '../../support/activities/in-activity.js';

function lookWith(seen: Partial<SafetySeen>) {
  const { lookAtSafety } = createNotifyActivities({
    notifications: { watchSeconds: 60, holdSeconds: 0, channels: [] },
    timeZone: 'UTC',
    readSafety: async () => ({
      verdict: { state: 'safe', sentence: 'All is well.', clauses: [], sinceMs: null },
      ...{ problems: [], workloads: [], uncopied: { places: [], omittedCount: 0 } },
      ...seen,
    }),
  });
  return lookAtSafety;
}

const PROBLEM: SafetyProblem = {
  ...{ key: 'late', code: 'LIMIT_MISSING', severity: 'unknown', sinceMs: null, errorCode: null },
  ...{ text: 'job a says no limit', nextStep: 'Set it.', workloads: [], sessionId: null },
  ...{ jobId: 'a', jobIds: ['a'], onlyOf: ['a'], repositoryId: null },
};

it('a look at more problems than it has room for shows what is new, and says which of the others are still there', async () => {
  const problems = Array.from({ length: 450 }, (_, i) => ({ ...PROBLEM, key: `p${i}` }));
  const open = Array.from({ length: 300 }, (_, i) => `p${i}`);
  const look = await inActivity(lookWith({ problems }), { open: [...open, 'gone'] });
  expect(look).toMatchObject({ isWhole: true, count: 450 });
  const shown = look.problems.map(({ key }) => key);
  expect(shown).toHaveLength(200);
  expect(shown.slice(0, 150)).toEqual(problems.slice(300).map(({ key }) => key));
  expect(new Set([...shown, ...look.stillThere!])).toEqual(new Set(problems.map(({ key }) => key)));
  expect(jsonBytes(look)).toBeLessThan(300_000);
});

it('a look has room in what Temporal carries, however many jobs its problems are of', async () => {
  const jobIds = Array.from({ length: 500 }, (_, i) => `${'j'.repeat(60)}${i}`);
  const long = '名'.repeat(600);
  const problems = Array.from({ length: 200 }, (_, i) => ({
    ...{ ...PROBLEM, key: `p${i}`, text: long, nextStep: long },
    ...{ jobIds, onlyOf: jobIds },
  }));
  const open = problems.map(({ key }) => key);
  const look = await inActivity(lookWith({ problems }), { open });
  // Temporal takes payloads of 2 MiB.
  expect(jsonBytes(look)).toBeLessThan(1_500_000);
  const shown = look.problems.map(({ key }) => key);
  expect(shown.length).toBeGreaterThan(10);
  expect(new Set([...shown, ...look.stillThere!])).toEqual(new Set(open));
});

it('a look tells two long paths with one beginning apart', async () => {
  const problems = ['1', '2'].map((end) => ({ ...PROBLEM, key: `${'x'.repeat(600)}${end}` }));
  const look = await inActivity(lookWith({ problems }), {});
  expect(new Set(look.problems.map(({ key }) => key)).size).toBe(2);
});

it('a look says in which repositories it could not read all, and for which jobs', async () => {
  const part: SafetyProblem = {
    ...{ ...PROBLEM, code: 'PART_UNREADABLE', jobId: null, jobIds: ['a', 'b'] },
    repositoryId: 'offsite',
  };
  const look = await inActivity(lookWith({ problems: [PROBLEM, part] }), {});
  expect(look).toMatchObject({
    isWhole: true,
    unread: { repositoryIds: ['offsite'], jobIds: ['a', 'b'] },
  });
  const jobIds = Array.from({ length: 501 }, (_, i) => `job-${i}`);
  const many = await inActivity(lookWith({ problems: [{ ...part, jobIds }] }), {});
  expect(many).toMatchObject({ isWhole: false });
});

it('a look that does not know what all jobs have left is not whole: nothing ends by it', async () => {
  const look = (seen: Partial<SafetySeen>) => inActivity(lookWith(seen), {});
  expect(await look({ areOutcomesKnown: false })).toMatchObject({ isWhole: false });
  expect(await look({ areOutcomesKnown: true })).toMatchObject({ isWhole: true });
  expect(await look({})).toMatchObject({ isWhole: true });
});
