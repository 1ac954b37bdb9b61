import { describe, expect, it } from 'vitest';
import { nextSite, type SiteSight } from '../../../../src/domain/events/site-events.js';
import {
  keysOf,
  nextLedger,
  type ObservedProblem,
} from '../../../../src/domain/notices/alert-ledger.js';
import {
  hiddenMostMs,
  isBehind,
  NOTHING_UNREAD,
  unreadOf,
} from '../../../../src/domain/notices/hidden-problems.js';
import { noticeOf } from '../../../../src/domain/notices/notice.js';
import type { SafetyProblem } from '../../../../src/domain/safety/problem-groups.js';
import type { SafetyCode } from '../../../../src/domain/safety/safety-codes.js';

function problem(code: SafetyCode, changes: Partial<SafetyProblem> = {}): SafetyProblem {
  return {
    ...{ key: code, code, severity: 'error', sinceMs: null, errorCode: null, text: code },
    ...{ nextStep: 'Look.', workloads: [], sessionId: null, jobId: null, jobIds: [], onlyOf: [] },
    ...{ repositoryId: 'offsite', ...changes },
  };
}

const UNREADABLE = problem('PART_UNREADABLE', { jobIds: ['nightly'] });
const DAMAGED = problem('COPY_DAMAGED', { jobIds: ['nightly'] });

function ended(before: ObservedProblem, now: readonly SafetyProblem[]): string[] {
  const unread = unreadOf(now);
  const isHidden = (each: ObservedProblem) => isBehind(unread, each);
  const look = { nowMs: 1, holdMs: 0, isWhole: true, isHidden };
  const { open } = nextLedger([], [before], { ...look, nowMs: 0 });
  return [...keysOf(nextLedger(open, now, look).ended)];
}

describe('while something in a repository cannot be read', () => {
  it.each([
    ['damaged copies there', DAMAGED],
    ['damaged copies there that belong to no job', problem('LEFTOVER_DAMAGED')],
    [
      'copies of a job from or to there that are late',
      problem('COPY_LATE', { repositoryId: null, jobId: 'nightly', jobIds: ['nightly'] }),
    ],
  ])('%s are not well again because they are not seen', (_, before) => {
    expect(ended(before, [UNREADABLE])).toEqual([]);
    expect(ended(before, [])).toEqual([before.key]);
  });

  it.each([
    ['damaged copies of another repository', problem('COPY_DAMAGED', { repositoryId: 'vault' })],
    ['the repository that was away', problem('REPOSITORY_AWAY')],
    [
      'late copies of a job that does not name it',
      problem('COPY_LATE', { repositoryId: null, jobId: 'weekly', jobIds: ['weekly'] }),
    ],
    [
      'a job that failed',
      problem('JOB_FAILED', { repositoryId: null, jobId: 'nightly', jobIds: ['nightly'] }),
    ],
  ])('%s may be well again', (_, before) => {
    expect(ended(before, [UNREADABLE])).toEqual([before.key]);
  });

  it('of a source that is a place nobody could read, and no other place of which nothing is copied', () => {
    const before = problem('SOURCE_STOPPED', { repositoryId: 'primary' });
    const place = problem('PLACE_NOT_COPIED', { repositoryId: 'primary' });
    expect(ended(before, [{ ...place, errorCode: 'SOURCE_PART_UNREADABLE' }])).toEqual([]);
    expect(ended(before, [place])).toEqual(['SOURCE_STOPPED']);
  });

  it.each([
    ['late copies', problem('COPY_LATE', { repositoryId: null, jobIds: ['nightly'] }), true],
    [
      'copies that are missing',
      problem('COPY_MISSING', { repositoryId: null, jobIds: ['nightly'] }),
      true,
    ],
    ['damaged copies', problem('COPY_DAMAGED', { repositoryId: 'offsite' }), true],
    [
      'a workload that is gone',
      problem('WORKLOAD_GONE', { repositoryId: null, jobIds: ['nightly'] }),
      false,
    ],
    [
      'a source without a restore point',
      problem('SOURCE_WITHOUT_POINT', { repositoryId: null, jobIds: ['nightly'] }),
      false,
    ],
    ['a source that stopped', problem('SOURCE_STOPPED', { repositoryId: 'primary' }), false],
    ['a workload in no job', problem('WORKLOAD_IN_NO_JOB', { repositoryId: 'primary' }), false],
  ])(
    'of a source, %s may be well again: only what its content shows is hidden',
    (_, before, isEnded) => {
      const unread = problem('FILES_NOT_COPIED', {
        ...{ repositoryId: 'primary', errorCode: 'SOURCE_PART_UNREADABLE', jobIds: ['nightly'] },
      });
      expect(ended(before, [unread])).toEqual(isEnded ? [before.key] : []);
    },
  );

  it('what is hidden ends after a day unseen, and is told when it comes a second time', () => {
    const unread = unreadOf([UNREADABLE]);
    const hourMs = 3_600_000;
    const at = (hour: number) => ({
      ...{ nowMs: hour * hourMs, holdMs: 0, isWhole: true, hiddenMostMs },
      isHidden: (each: ObservedProblem) => isBehind(unread, each),
    });
    const told = nextLedger([], [DAMAGED, UNREADABLE], at(0)).open;
    const hidden = nextLedger(told, [UNREADABLE], at(1));
    const stillHidden = nextLedger(hidden.open, [UNREADABLE], at(24));
    const blind = nextLedger(stillHidden.open, [UNREADABLE], { ...at(24.5), isWhole: false });
    expect([hidden, stillHidden, blind].flatMap((step) => step.ended)).toEqual([]);
    const over = nextLedger(blind.open, [UNREADABLE], at(25));
    expect([...keysOf(over.ended)]).toEqual(['COPY_DAMAGED']);
    const at25 = { sentence: '.', number: 1, nowMs: 25 * hourMs };
    expect(JSON.stringify(noticeOf(over, at25))).not.toContain('Well again');
    const again = nextLedger(over.open, [DAMAGED, UNREADABLE], at(26));
    expect([...keysOf(again.begun)]).toEqual(['COPY_DAMAGED']);
    const seen = nextLedger(stillHidden.open, [DAMAGED, UNREADABLE], at(24.5)).open;
    expect(nextLedger(seen, [UNREADABLE], at(26)).ended).toEqual([]);
  });

  it('a run of a file-backup job that failed, and is forgotten, is well again by a later run alone', () => {
    const failed = problem('JOB_FAILED', { repositoryId: 'primary', jobIds: ['shares'] });
    const look = (unjudgedRuns: readonly string[]) => {
      const isHidden = (each: ObservedProblem) =>
        isBehind({ ...NOTHING_UNREAD, unjudgedRuns }, each);
      const { open } = nextLedger([], [failed], { nowMs: 0, holdMs: 0, isWhole: true });
      return nextLedger(open, [], { nowMs: 1, holdMs: 0, isWhole: true, isHidden }).ended.length;
    };
    expect([look(['shares']), look(['others']), look([])]).toEqual([0, 1, 1]);
    const jobs = { items: [], unreadIds: [], isWhole: true };
    const before: SiteSight = {
      ...{ atMs: 0, jobs, sessions: [], isEverySession: true, problems: [failed] },
    };
    const { known } = nextSite(null, before);
    const forgotten = { ...before, atMs: 1, problems: [], unjudgedRuns: ['shares'] };
    const hidden = nextSite(known, forgotten);
    const later = nextSite(hidden.known, { ...forgotten, atMs: 2 * 86_400_000 });
    expect([...hidden.events, ...later.events]).toEqual([]);
  });

  it('the events of the site say no end of it either', () => {
    const jobs = { items: [], unreadIds: [], isWhole: true };
    const sight = (atMs: number, problems: readonly SafetyProblem[]): SiteSight => ({
      ...{ atMs, jobs, sessions: [], isEverySession: true, problems },
    });
    const first = nextSite(null, sight(0, [DAMAGED]));
    const second = nextSite(first.known, sight(1, [UNREADABLE]));
    expect(second.events.map(({ type }) => type)).toEqual(['problemBegan']);
    const third = nextSite(second.known, sight(2, []));
    expect(third.events.map(({ type }) => type)).toEqual(['problemEnded', 'problemEnded']);
  });
});
