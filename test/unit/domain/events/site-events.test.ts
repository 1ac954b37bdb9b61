import { describe, expect, it } from 'vitest';
import {
  isEventFor,
  nextSite,
  type JobSight,
  type KnownSite,
  type SiteEvent,
  type SiteSight,
} from '../../../../src/domain/events/site-events.js';
import type { SafetyProblem } from '../../../../src/domain/safety/problem-groups.js';
import type { RecordedSession } from '../../../../src/domain/sessions/recorded-session.js';

const JOB: JobSight = { id: 'nightly', name: 'Nightly', revision: 1, state: 'enabled' };
const SESSION: RecordedSession = {
  ...{ id: 'nightly-20261124T220000Z', jobId: 'nightly', trigger: 'schedule', startedBy: null },
  ...{ tryNumber: 1, state: 'running', result: null, startedAt: '2026-11-24T22:00:00Z' },
  ...{ endedAt: null, nextTryAt: null },
};
const ENDED: RecordedSession = {
  ...SESSION,
  ...{ state: 'ended', result: 'warning', endedAt: '2026-11-24T23:00:00Z' },
};
const LATE: SafetyProblem = {
  ...{ key: 'late', code: 'COPY_LATE', severity: 'error', sinceMs: 0, text: 'db07 is 1 h late' },
  ...{ nextStep: 'Start it.', errorCode: null, jobId: 'nightly', repositoryId: 'offsite' },
  ...{
    jobIds: ['nightly'],
    onlyOf: [],
    sessionId: null,
    workloads: [{ repositoryId: 'primary', id: 'db07', name: 'db07' }],
  },
};
const AWAY: SafetyProblem = { ...LATE, key: 'away', code: 'REPOSITORY_AWAY', jobId: null };

interface Look {
  readonly jobs?: readonly JobSight[] | null;
  readonly unreadIds?: readonly string[];
  readonly isWhole?: boolean;
  readonly sessions?: readonly RecordedSession[];
  readonly isEverySession?: boolean;
  readonly problems?: readonly SafetyProblem[];
  readonly areOutcomesKnown?: boolean;
}

/** One look after the other. @returns what each but the first tells */
function told(...looks: readonly Look[]): string[][] {
  let known: KnownSite | null = null;
  let jobs: SiteSight['jobs'] = { items: [], unreadIds: [], isWhole: true };
  const words: string[][] = [];
  for (const [index, look] of looks.entries()) {
    const { sessions = [], problems = [], isEverySession = true } = look;
    const { unreadIds = [], isWhole = true } = look;
    if (look.jobs !== null) jobs = { items: look.jobs ?? [], unreadIds, isWhole };
    const { areOutcomesKnown = true } = look;
    const sight = {
      atMs: index * 5_000,
      jobs,
      sessions,
      problems,
      isEverySession,
      areOutcomesKnown,
    };
    const step = nextSite(known, sight);
    known = step.known;
    words.push(step.events.map(wordOf));
  }
  expect(words[0]).toEqual([]);
  return words.slice(1);
}

function wordOf(event: SiteEvent): string {
  if ('job' in event) return `${event.type} ${event.job.id}`;
  if ('session' in event) return `${event.type} ${event.session.result ?? event.session.state}`;
  return 'problem' in event ? `${event.type} ${event.problem.key}` : event.type;
}

describe('what happened between two looks', () => {
  it('tells of a session that it began, which state it is in, and its result at its end, each once', () => {
    const paused: RecordedSession = { ...SESSION, state: 'paused' };
    expect(
      told(
        {},
        { sessions: [SESSION] },
        { sessions: [SESSION] },
        { sessions: [paused] },
        { sessions: [ENDED] },
        { sessions: [ENDED] },
      ),
    ).toEqual([
      ['sessionBegan running'],
      [],
      ['sessionChanged paused'],
      ['sessionEnded warning'],
      [],
    ]);
  });

  it('tells both of a session that began and ended between two looks', () => {
    expect(told({}, { sessions: [ENDED] })).toEqual([
      ['sessionBegan warning', 'sessionEnded warning'],
    ]);
  });

  it('calls no session ended that a list does not show, and none running again that has ended', () => {
    expect(
      told(
        { sessions: [SESSION] },
        {},
        { sessions: [ENDED] },
        { sessions: [SESSION] },
        {
          sessions: [ENDED],
        },
      ),
    ).toEqual([[], ['sessionEnded warning'], [], []]);
  });

  it('says that all has to be looked at again when it could not read every session', () => {
    expect(told({}, { isEverySession: false })).toEqual([['reset']]);
  });

  it('calls no job made that was there at the first look and was read later', () => {
    expect(
      told({ unreadIds: ['nightly'] }, { jobs: [JOB] }, { jobs: [{ ...JOB, revision: 2 }] }),
    ).toEqual([[], ['jobChanged nightly']]);
    expect(told({}, { unreadIds: ['nightly'] }, { jobs: [JOB] })).toEqual([
      [],
      ['jobMade nightly'],
    ]);
  });

  it('tells of a job that it was made, changed, disabled, enabled and removed', () => {
    const changed = { ...JOB, revision: 2 };
    const disabled: JobSight = { ...changed, state: 'disabled' };
    const asked: JobSight = { ...changed, state: 'actionRequired' };
    expect(
      told(
        {},
        { jobs: [JOB] },
        { jobs: [changed] },
        { jobs: [disabled] },
        { jobs: [changed] },
        { jobs: [asked] },
        {},
        {},
      ),
    ).toEqual([
      ['jobMade nightly'],
      ['jobChanged nightly'],
      ['jobDisabled nightly'],
      ['jobEnabled nightly'],
      [],
      [],
      ['jobRemoved nightly'],
    ]);
  });

  it('calls no job removed that one list alone lacks, that was not read, or whose list is not whole or not new', () => {
    const there: Look = { jobs: [JOB] };
    const quiet = (...looks: Look[]) => expect(told(...looks).flat()).toEqual([]);
    quiet(there, {}, there, {}, there);
    quiet(there, {}, { jobs: null }, { jobs: null });
    quiet(there, { unreadIds: ['nightly'] }, { unreadIds: ['nightly'] }, there);
    quiet(there, { isWhole: false }, { isWhole: false }, { isWhole: false }, there);
    quiet(there, {}, { isWhole: false }, { isWhole: false }, there);
    quiet(there, { isWhole: false }, {}, there);
    expect(told(there, {}, { isWhole: false }, {}).flat()).toEqual(['jobRemoved nightly']);
  });

  it('tells of a problem that it began, that it concerns others, and that it is well again, but not that it lasts', () => {
    const older = { ...LATE, text: 'db07 is 2 h late' };
    const other = { repositoryId: 'primary', id: 'web02', name: 'web02' };
    const more = {
      ...older,
      workloads: [...LATE.workloads, { repositoryId: 'primary', id: 'web01', name: 'web01' }],
    };
    expect(
      told(
        {},
        { problems: [LATE] },
        { problems: [older] },
        { problems: [more] },
        { problems: [{ ...more, workloads: more.workloads.toReversed() }] },
        { problems: [{ ...more, workloads: [more.workloads[0]!, other] }] },
        {},
        {},
      ),
    ).toEqual([
      ['problemBegan late'],
      [],
      ['problemChanged late'],
      [],
      ['problemChanged late'],
      ['problemEnded late'],
      [],
    ]);
  });

  it('calls nothing well again while something keeps it from being seen', () => {
    expect(told({ problems: [LATE] }, { problems: [AWAY] }, { problems: [LATE] }, {})).toEqual([
      ['problemBegan away'],
      ['problemEnded away'],
      ['problemEnded late'],
    ]);
    const unknown = { areOutcomesKnown: false };
    expect(told({ problems: [LATE] }, unknown, { problems: [LATE] }, {}).flat()).toEqual([
      'problemEnded late',
    ]);
  });
});

describe('whom an event is for', () => {
  const events: SiteEvent[] = [
    { type: 'sessionBegan', session: SESSION },
    { type: 'jobRemoved', job: JOB },
    { type: 'problemBegan', problem: LATE },
    { type: 'problemEnded', problem: AWAY },
    { type: 'problemChanged', problem: { ...AWAY, repositoryId: null } },
    { type: 'reset', reason: 'forgotten' },
    { type: 'lookSucceeded' },
  ];
  it.each([
    ['everybody without a scope', null, [true, true, true, true, true, true, true]],
    [
      'the job',
      { jobs: ['nightly'], repositories: [] },
      [true, true, true, false, false, true, true],
    ],
    [
      'the repository',
      { jobs: [], repositories: ['offsite'] },
      [false, false, false, true, false, true, true],
    ],
    [
      'others',
      { jobs: ['weekly'], repositories: ['vault'] },
      [false, false, false, false, false, true, true],
    ],
  ])('is told by the scope of his token: %s', (_whose, scope, expected) => {
    expect(events.map((event) => isEventFor(scope, event))).toEqual(expected);
  });
});
