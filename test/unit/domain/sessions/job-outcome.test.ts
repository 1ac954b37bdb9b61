import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../../src/domain/errors.js';
import { countResults } from '../../../../src/domain/sessions/session-result.js';
import type { SessionResult } from '../../../../src/domain/sessions/copy-session.js';
import { NO_TASKS, newTask } from '../../../../src/domain/sessions/copy-session.js';
import {
  jobOutcome,
  sessionLeft,
  type EndedSession,
} from '../../../../src/domain/sessions/job-outcome.js';

/** Workloads by how their tasks ended: `db07:failed`; without a name (`:warning`) a task of the sources. */
function session(tasks: string, changes: Partial<EndedSession> = {}): Omit<EndedSession, 'id'> {
  const ended = tasks
    .split(' ')
    .filter((each) => each !== '')
    .map((each) => {
      const [id = '', result = ''] = each.split(':');
      return { ...newTask(id, id === '' ? null : id), result: result as SessionResult };
    });
  const counts = { ...NO_TASKS } as Record<keyof typeof NO_TASKS, number>;
  for (const { result } of ended) counts[result]++;
  const isPartial = changes.isPartial ?? false;
  const order = ['failed', 'actionRequired', 'stopped', 'warning', 'success'] as const;
  return {
    result: order.find((result) => counts[result] > 0) ?? 'nothingToCopy',
    ...{ startedAt: '2026-11-26T22:00:00Z', isPartial, actionRequired: counts.actionRequired },
    left: sessionLeft(ended, counts, isPartial),
    ...changes,
  };
}

const whole = (tasks: string, changes: Partial<EndedSession> = {}) => session(tasks, changes);
const over = (tasks: string, changes: Partial<EndedSession> = {}) =>
  session(tasks, { isPartial: true, ...changes });
const crashed = (isPartial: boolean, result: SessionResult = 'failed') =>
  session('', { isPartial, result, left: null });

describe('what a session says at its end of why it did not end well', () => {
  const task = (workload: string, result: SessionResult, code: ErrorCode | null = null) => ({
    ...newTask(workload, workload),
    ...{ result, code },
  });
  const causes = (...tasks: readonly ReturnType<typeof task>[]) =>
    sessionLeft(tasks, countResults(tasks), false).causes;

  it('is the codes and workloads of what made it fail, those that most suffer of first', () => {
    expect(
      causes(
        task('web01', 'failed', 'IMAGE_CORRUPT'),
        ...['a', 'b', 'c', 'd'].map((name) => task(name, 'failed', 'REPOSITORY_FULL')),
        task('db07', 'warning', 'CHAIN_LOCKED'),
        task('db08', 'success'),
      ),
    ).toEqual([
      { code: 'REPOSITORY_FULL', workloads: ['a', 'b', 'c'], count: 4 },
      { code: 'IMAGE_CORRUPT', workloads: ['web01'] },
    ]);
  });

  it('is what it warns of, when nothing failed, and nothing of a session that went well', () => {
    expect(causes(task('db07', 'warning', 'CHAIN_LOCKED'), task('db08', 'success'))).toEqual([
      { code: 'CHAIN_LOCKED', workloads: ['db07'] },
    ]);
    expect(causes(task('db08', 'success'))).toBeUndefined();
    expect(causes(task('db08', 'actionRequired', 'CHAIN_FOREIGN'))).toBeUndefined();
  });

  it('has a size that lists of sessions can carry', () => {
    const codes = ['IMAGE_CORRUPT', 'FILE_MISSING', 'REPOSITORY_FULL', 'BUG', 'PATH_FORBIDDEN'];
    const tasks = codes.flatMap((code) =>
      Array.from({ length: 50 }, () => task('x'.repeat(255), 'failed', code as ErrorCode)),
    );
    const found = causes(...tasks);
    expect(found).toHaveLength(4);
    expect(JSON.stringify(found).length).toBeLessThan(1_000);
  });
});

/** `w0`, `w1` and so on, all with one result. */
const many = (result: SessionResult, count = 30) =>
  Array.from({ length: count }, (_, index) => `w${index}:${result}`).join(' ');

/** Of sessions, newest first: which of them (from 0) has left something; null: none has. */
function outcome(sessions: readonly Omit<EndedSession, 'id'>[]) {
  const found = jobOutcome(sessions.map((each, index) => ({ ...each, id: String(index) })));
  const index = (each: EndedSession | null) => (each === null ? null : Number(each.id));
  return { fault: index(found.fault), undecided: index(found.undecided), found };
}

describe('what sessions of a job have left undone', () => {
  it.each([
    ['nothing without a session', [], null],
    ['the last one that failed', [whole('a:failed'), whole('a:success')], 0],
    ['nothing after one over all that went well', [whole('a:success'), whole('a:failed')], null],
    ['what failed before somebody stopped the next', [whole('a:stopped'), whole('a:failed')], 1],
    ['what failed before another workload was copied', [over('b:success'), over('a:failed')], 1],
    ['nothing when its own retry copied it', [over('a:success'), over('a:failed')], null],
    ['what one retry of two did', [over('a:success'), over('a:failed b:failed')], 1],
    [
      'nothing when two retries did',
      [over('b:success'), over('a:success'), over('a:failed b:failed')],
      null,
    ],
    [
      'what a retry of a whole session did not',
      [over('a:success'), whole('a:failed b:warning')],
      1,
    ],
    ['what nobody names', [over('a:success'), crashed(false)], 1],
    [
      'a source that could not be read when all was looked at',
      [over('a:success'), whole(':failed')],
      1,
    ],
    [
      'nothing of a source that another partial one could read',
      [over('a:success'), over(':failed')],
      null,
    ],
    [
      'nothing of what an earlier build said of some workloads',
      [over('a:success'), crashed(true)],
      null,
    ],
    ['what such a one said last', [crashed(true), whole('a:success')], 0],
  ])('is %s', (_what, sessions, expected) => {
    expect(outcome(sessions).fault).toBe(expected);
  });

  it('is not known to the end while no session over all is among them', () => {
    const { found } = outcome([over('a:success'), over('b:success')]);
    expect(found).toMatchObject({ isFaultKnown: false, isDecisionKnown: false });
    expect(outcome([over('a:success'), whole('b:success')]).found).toMatchObject({
      ...{ isFaultKnown: true, isDecisionKnown: true },
    });
  });

  it('is nothing when one retry made good what thirty workloads left, or several sessions did', () => {
    const failed = whole(`${many('failed')} x:success`);
    expect(outcome([over(many('success')), failed]).fault).toBeNull();
    expect(outcome([over(many('success', 29)), failed]).fault).toBe(1);
    const rest = over('w29:nothingToCopy');
    expect(outcome([rest, over(many('success', 29)), failed]).fault).toBeNull();
    const ones = Array.from({ length: 30 }, (_, index) => over(`w${index}:success`));
    expect(outcome([...ones, over(many('failed'))]).fault).toBeNull();
    expect(outcome([...ones.slice(1), over(many('failed'))]).fault).toBe(29);
    expect(outcome([over(many('success')), over('w7:failed')]).fault).toBeNull();
  });

  it('is a source that could not be read, however many workloads a retry made good', () => {
    expect(outcome([over(many('success')), whole(`${many('failed')} :failed`)]).fault).toBe(1);
  });

  it('is told in 16 kB of a thousand workloads, and of nobody by name beyond', () => {
    const { left } = session(many('failed', 1_000));
    expect(left?.unwell).toHaveLength(1_000);
    expect(JSON.stringify(left?.unwell).length).toBeLessThanOrEqual(16_001);
    expect(session(many('failed', 1_001)).left).toMatchObject({ unwell: null, undecided: [] });
    expect(outcome([over('w1:success'), over(many('failed', 1_001))]).fault).toBe(1);
  });
});

describe('what waits for a decision', () => {
  it.each([
    ['nothing without a session', [], null],
    ['what the last one found', [whole('a:actionRequired'), whole('')], 0],
    [
      'nothing after one over all that looked',
      [whole('a:success'), whole('a:actionRequired')],
      null,
    ],
    ['nothing after one that warned', [whole('b:warning'), whole('a:actionRequired')], null],
    [
      'what was found before one that was stopped',
      [whole('b:stopped'), whole('a:actionRequired')],
      1,
    ],
    [
      'what was found before one that was terminated',
      [crashed(false, 'stopped'), whole('a:actionRequired')],
      1,
    ],
    [
      'what was found before one that failed as a whole',
      [crashed(false), whole('a:actionRequired')],
      1,
    ],
    ['what a source that was away hides', [whole(':failed'), whole('a:actionRequired')], 1],
    ['what failed itself since', [whole('a:failed b:success'), whole('a:actionRequired')], 1],
    [
      'nothing when only another workload fails since',
      [whole('b:failed'), whole('a:actionRequired')],
      null,
    ],
    [
      'what one over other workloads hides',
      [over('b:success'), over(''), whole('a:actionRequired')],
      2,
    ],
    [
      'what one over some workloads found',
      [over('b:success'), over('a:actionRequired'), whole('')],
      1,
    ],
    [
      'nothing when one over that workload took it over',
      [over('a:success'), whole('a:actionRequired')],
      null,
    ],
    [
      'nothing before one over all that found nothing',
      [over(''), whole(''), over('a:actionRequired')],
      null,
    ],
    [
      'what fails by name while nobody names who waits',
      [whole('a:failed'), whole('', { actionRequired: 1, left: null })],
      1,
    ],
  ])('is %s', (_what, sessions, expected) => {
    expect(outcome(sessions).undecided).toBe(expected);
  });

  it('is nothing when thirty workloads were taken over, together or one by one', () => {
    const found = whole(many('actionRequired'));
    expect(outcome([over(many('success')), found]).undecided).toBeNull();
    expect(outcome([over(many('success', 29)), found]).undecided).toBe(1);
    expect(outcome([whole(many('failed', 31)), whole('w3:actionRequired')]).undecided).toBe(1);
    expect(outcome([whole(many('failed', 31)), whole('x:actionRequired')]).undecided).toBeNull();
  });
});

describe('a session over some workloads that met another one at work', () => {
  const task = (workload: string, result: SessionResult, code: ErrorCode | null) => ({
    ...newTask(workload, workload),
    ...{ state: 'ended' as const, result, code },
  });
  const ended = (
    id: string,
    tasks: ReturnType<typeof task>[],
    isPartial: boolean,
  ): EndedSession => {
    const counts = countResults(tasks);
    const left = sessionLeft(tasks, counts, isPartial);
    const result = counts.failed > 0 ? 'failed' : counts.warning > 0 ? 'warning' : 'success';
    return { id, result, startedAt: id, isPartial, actionRequired: 0, left };
  };
  const locked = task('web01', 'warning', 'CHAIN_LOCKED');

  it('says nothing of them, and hides no fault of others', () => {
    const met = ended('3', [locked], true);
    const failed = ended('2', [task('db07', 'failed', 'IMAGE_CORRUPT')], true);
    const all = ended('1', [task('mail01', 'success', null)], false);
    expect(jobOutcome([met, all]).fault).toBeNull();
    expect(met.left?.causes).toBeUndefined();
    expect(jobOutcome([met, failed, all]).fault?.id).toBe('2');
  });

  it('says what else it found', () => {
    const both = ended('2', [locked, task('db07', 'failed', 'IMAGE_CORRUPT')], true);
    expect(both.left).toMatchObject({ unwell: ['db07'] });
    expect(both.left?.causes?.map(({ code }) => code)).toEqual(['IMAGE_CORRUPT']);
  });

  it('is told of where it looked at all', () => {
    expect(jobOutcome([ended('1', [locked], false)]).fault?.id).toBe('1');
  });
});
