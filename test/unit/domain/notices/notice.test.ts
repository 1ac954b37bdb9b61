import { describe, expect, it } from 'vitest';
import type {
  LedgerStep,
  ObservedProblem,
  OpenAlert,
} from '../../../../src/domain/notices/alert-ledger.js';
import type { WatchedChannel } from '../../../../src/domain/notices/notification-channel.js';
import {
  dayBefore,
  digest,
  believedDay,
  digestDay,
  noticeOf,
  noticeOfStep,
  type News,
} from '../../../../src/domain/notices/notice.js';

const NOW_MS = Date.parse('2026-11-26T03:00:00Z');
const CHANNEL: WatchedChannel = {
  ...{
    id: 'mail',
    kind: 'mail',
    severity: 'error',
    jobs: null,
    digestAt: '07:00',
    quietHours: null,
  },
};

function alert(text: string, changes: Partial<ObservedProblem> = {}): OpenAlert {
  const problem: ObservedProblem = {
    ...{ key: text, code: 'COPY_LATE', severity: 'error', text, nextStep: 'Start the job.' },
    ...{ sinceMs: NOW_MS - 3 * 3_600_000, jobId: 'nightly' },
    ...changes,
  };
  return { problem, firstSeenMs: NOW_MS, lastSeenMs: NOW_MS, isTold: true };
}

function step(changes: Partial<LedgerStep>): LedgerStep {
  return { open: [], begun: [], ended: [], ...changes };
}

const SENTENCE = '1 of 2 workloads has a copy younger than 26 h';
const told = { sentence: SENTENCE, state: 'safe', number: 7, nowMs: NOW_MS } as const;
const daily = { ...told, day: '2026-11-26' };

describe('a notice', () => {
  it('tells what began to be wrong, since when, and what to do', () => {
    expect(noticeOfStep(CHANNEL, step({ begun: [alert('db07 is 9 h late')] }), told)).toEqual({
      id: 'alarm-2026-11-26T03-00-00-000Z',
      number: 7,
      kind: 'alarm',
      severity: 'error',
      subject: 'Not well: db07 is 9 h late',
      lines: ['db07 is 9 h late (COPY_LATE, for 3 h)', '  Start the job.', SENTENCE],
      at: '2026-11-26T03:00:00.000Z',
    });
  });

  it('tells every channel of one that fails, whatever else it wants to be told', () => {
    const failing = alert('notification channel chat takes nothing', {
      code: 'CHANNEL_FAILED',
      severity: 'warning',
      jobId: null,
    });
    const narrow = { ...CHANNEL, jobs: ['weekly'] };
    expect(noticeOfStep(narrow, step({ begun: [failing] }), told)).toMatchObject({
      subject: 'Not well: notification channel chat takes nothing',
    });
  });

  it('tells what is well again', () => {
    const notice = noticeOfStep(CHANNEL, step({ ended: [alert('db07 is 9 h late')] }), told);
    expect(notice).toMatchObject({ kind: 'recovery', severity: null });
    expect(notice?.subject).toBe('Well again: db07 is 9 h late');
    expect(notice?.lines).toEqual(['Well again after 3 h: db07 is 9 h late', SENTENCE]);
  });

  it('tells all that one look has in one message', () => {
    const many = Array.from({ length: 30 }, (_, i) => alert(`db${i} is late`));
    const notice = noticeOfStep(CHANNEL, step({ begun: many }), told);
    expect(notice?.subject).toBe('Not well: db0 is late (+29)');
    expect(notice?.lines).toHaveLength(20 * 2 + 2);
    expect(notice?.lines).toContain('and 10 more');
  });

  it.each([
    ['less grave than it wants', { severity: 'warning' }, {}],
    ['of another job than its own', { jobId: 'other' }, { jobs: ['nightly'] }],
    ['of no job, to one that has its own', { jobId: null }, { jobs: ['nightly'] }],
    [
      'of a target that its own jobs do not name',
      { jobId: null, jobIds: ['weekly', 'other'] },
      { jobs: ['nightly'] },
    ],
  ] as const)('is not sent for what is %s', (_, changes, rules) => {
    const quiet = step({ begun: [alert('x', changes)], ended: [alert('y', changes)] });
    expect(noticeOfStep({ ...CHANNEL, ...rules }, quiet, told)).toBeNull();
  });

  it.each([
    ['of a target that several jobs name', { jobId: null, jobIds: ['weekly', 'nightly'] }],
    ['of a copy job of its file-backup job', { jobId: 'nightly-off', jobIds: ['nightly'] }],
  ])('is sent for what is %s', (_, changes) => {
    const begun = step({ begun: [alert('x', changes)] });
    expect(noticeOfStep({ ...CHANNEL, jobs: ['nightly'] }, begun, told)).not.toBeNull();
  });

  it('is a digest of at most twelve lines, well or not', () => {
    const many = Array.from({ length: 30 }, (_, i) => alert(`db${i} is late`));
    expect(digest(CHANNEL, many, daily).lines).toHaveLength(12);
    expect(digest(CHANNEL, many, daily).subject).toBe('30 problems are open');
    expect(digest(CHANNEL, [], daily)).toMatchObject({ subject: 'All is well', severity: null });
  });
});

describe('the words of what ended', () => {
  const hidden = { ...alert('db08 is late'), hiddenSinceMs: NOW_MS };
  const well = alert('db07 is late');
  const wells = Array.from({ length: 20 }, () => well);
  it.each<[string, Partial<News>, string, string | undefined]>([
    [
      'of one that is well, and one that is hidden',
      { ended: [well, hidden] },
      'No longer seen (something cannot be read): db08 is late (+1)',
      undefined,
    ],
    ['of what is counted', { ended: [well], moreEnded: 6 }, 'Well again: db07 is late (+6)', ''],
    [
      'of what is counted while something cannot be read',
      { ended: [well], moreEnded: 6, isWhole: false },
      'Well again, or no longer seen: db07 is late (+6)',
      ' (well again, or no longer seen)',
    ],
    [
      'of one that is hidden and not named',
      { ended: [...wells, hidden] },
      'No longer seen (something cannot be read): db08 is late (+20)',
      ' (well again, or no longer seen)',
    ],
    ['of all of it', { moreEnded: 6 }, 'Well again: what was told before', ''],
    [
      'of all of it while something cannot be read',
      { isAgain: true, isWhole: false },
      'No longer seen (something cannot be read): what was told before',
      undefined,
    ],
  ])('say no more than is known %s', (_, news, subject, more) => {
    const notice = noticeOf({ begun: [], ended: [], ...news }, told);
    expect(notice.subject).toBe(subject);
    expect(notice.lines.find((line) => / more/.test(line))?.replace(/^and \d+ more/, '')).toBe(
      more,
    );
  });
});

describe('a digest with nothing that its channel wants', () => {
  it.each([
    ['unknown', 'It is not known whether all is well'],
    ['unsafe', 'Not well, with nothing that this channel is told'],
  ] as const)('is no word of all being well when the verdict is %s', (state, subject) => {
    expect(digest(CHANNEL, [], { ...daily, state }).subject).toBe(subject);
  });
});

describe('the digest of a day', () => {
  const at = (time: string) => Date.parse(time);
  it.each([
    ['not before its time', '2026-11-26T05:59:00Z', null, null],
    ['at its time in the zone', '2026-11-26T06:00:00Z', null, '2026-11-26'],
    ['once a day', '2026-11-26T20:00:00Z', '2026-11-26', null],
    ['later, when nobody looked at its time', '2026-11-26T20:00:00Z', '2026-11-25', '2026-11-26'],
    [
      'after midnight, when nobody looked between its time and then',
      '2026-11-26T23:04:00Z',
      '2026-11-25',
      '2026-11-26',
    ],
    [
      'once, though its time was moved to later that day',
      '2026-11-26T12:00:00Z',
      '2026-11-26',
      null,
    ],
    ['on the day the clock goes forward', '2026-03-29T05:00:00Z', '2026-03-28', '2026-03-29'],
  ])('is due %s', (_, now, lastDay, expected) => {
    expect(digestDay(CHANNEL, lastDay, 'Europe/Berlin', at(now))).toBe(expected);
  });

  it('late in the day comes every day, however the looks lie around it', () => {
    const late = { ...CHANNEL, digestAt: '23:58' };
    let last: string | null = dayBefore('Europe/Berlin', at('2026-11-26T10:00:00Z'));
    const days: string[] = [];
    // Looks five minutes apart, none of them between 23:58 and midnight.
    for (let ms = at('2026-11-26T10:01:00Z'); ms < at('2026-11-29T10:00:00Z'); ms += 5 * 60_000) {
      const day = digestDay(late, last, 'Europe/Berlin', ms);
      if (day === null) continue;
      days.push(day);
      last = day;
    }
    expect(days).toEqual(['2026-11-26', '2026-11-27', '2026-11-28']);
  });

  // 13:30 of the 26th, when the watch had been down in the morning, and 08:00 of the 27th.
  it('has a name of its own each day, where two local days begin on one UTC day', () => {
    const early = { ...CHANNEL, digestAt: '08:00' };
    const names = [at('2026-11-26T00:30:00Z'), at('2026-11-26T19:00:00Z')].map((nowMs) => {
      const day = digestDay(early, null, 'Pacific/Auckland', nowMs)!;
      return digest(early, [], { ...daily, nowMs, day }).id;
    });
    expect(names).toEqual(['digest-2026-11-26', 'digest-2026-11-27']);
  });

  it('comes again after a look with a clock that was ahead', () => {
    const nowMs = Date.parse('2026-11-25T20:00:00Z');
    const days = ['2026-11-24', '2026-11-25', '2026-11-26', '2026-11-27', '2027-11-25'];
    expect(days.map((day) => believedDay(day, 'UTC', nowMs))).toEqual([
      ...['2026-11-24', '2026-11-25', '2026-11-26', '2026-11-24', '2026-11-24'],
    ]);
  });

  it('is never due where none is wanted', () => {
    expect(digestDay({ ...CHANNEL, digestAt: null }, null, 'UTC', NOW_MS)).toBeNull();
  });
});
