import { describe, expect, it } from 'vitest';
import {
  keysOf,
  nextLedger,
  seesAll,
  type ObservedProblem,
  type OpenAlert,
} from '../../../../src/domain/notices/alert-ledger.js';
import { jsonBytes } from '../../../../src/domain/sessions/task-brief.js';
import { heldSilences, isSilenced, type Silence } from '../../../../src/domain/notices/silence.js';

const MINUTE_MS = 60_000;
const HOLD_MS = 5 * MINUTE_MS;

function problem(key: string): ObservedProblem {
  const words = { text: `${key} is late`, nextStep: 'Start it.' };
  return { key, code: 'COPY_LATE', severity: 'error', ...words, sinceMs: null, jobId: 'nightly' };
}

/** Looks once a minute; each entry lists the keys that the look shows, with `?` where it did not see all. @returns `+key` and `-key` with the minute */
function told(looks: readonly string[], holdMs = HOLD_MS): string[] {
  let open: readonly OpenAlert[] = [];
  const words: string[] = [];
  for (const [minute, keys] of looks.entries()) {
    const problems = keys.replace('?', '').split('').map(problem);
    const step = nextLedger(open, problems, {
      nowMs: minute * MINUTE_MS,
      holdMs,
      isWhole: !keys.includes('?'),
    });
    words.push(...step.begun.map((alert) => `+${alert.problem.key}${minute}`));
    words.push(...step.ended.map((alert) => `-${alert.problem.key}${minute}`));
    ({ open } = step);
  }
  return words;
}

describe('a silence', () => {
  const silence: Silence = {
    ...{ id: 'a1', jobId: 'nightly', code: null, reason: 'disk is exchanged', createdBy: 'anna' },
    ...{ createdAt: '2026-11-26T00:00:00Z', until: '2026-11-26T04:00:00Z' },
  };

  it('is of one job, of one code, or of all', () => {
    const late = problem('a');
    const other = { ...late, jobId: 'weekly' };
    const site = { ...late, jobId: null };
    const of = (changes: Partial<Silence>) =>
      [late, other, site].map((each) => isSilenced([{ ...silence, ...changes }], each));
    expect(of({})).toEqual([true, false, false]);
    expect(of({ jobId: null })).toEqual([true, true, true]);
    expect(of({ jobId: null, code: 'COPY_DAMAGED' })).toEqual([false, false, false]);
    expect(isSilenced([], late)).toBe(false);
  });

  it('is of what concerns its job alone, and hides nothing that concerns others', () => {
    const of = (jobIds: string[]) =>
      isSilenced([silence], { ...problem('a'), jobId: null, jobIds });
    expect([['nightly'], ['nightly', 'weekly'], []].map(of)).toEqual([true, false, false]);
  });

  it('ends by itself', () => {
    const at = (time: string) => heldSilences([silence], Date.parse(`2026-11-26T${time}Z`)).length;
    expect([at('03:59:59'), at('04:00:00')]).toEqual([1, 0]);
  });

  it('holds back what begins until it ends, and not the end of what was told', () => {
    const step = (open: readonly OpenAlert[], keys: string, minute: number, isSilenced: boolean) =>
      nextLedger(open, keys.split('').map(problem), {
        ...{ nowMs: minute * MINUTE_MS, holdMs: 0, isWhole: true },
        isSilenced: () => isSilenced,
      });
    const first = step([], 'a', 0, false);
    const silent = step(first.open, 'b', 1, true);
    expect(keysOf(silent.begun)).toEqual(new Set());
    expect(keysOf(silent.ended)).toEqual(new Set(['a']));
    expect(keysOf(step(silent.open, 'b', 2, false).begun)).toEqual(new Set(['b']));
    // What was over before anybody was told is told to nobody.
    expect(keysOf(step(silent.open, '', 2, false).ended)).toEqual(new Set());
  });
});

describe('what is told', () => {
  it.each([
    ['at once where nothing is to be waited for', ['a', ''], 0, ['+a0', '-a1']],
    ['when it has lasted', ['a', 'a', 'a', 'a', 'a', 'a', 'a'], HOLD_MS, ['+a5']],
    ['never when it goes before', ['a', 'a', 'a', '', '', '', '', '', ''], HOLD_MS, []],
    [
      'once, and its end once, however it flickers in between',
      [...'aaaaaa'.split(''), '', 'a', '', 'a', 'a', '', '', '', '', '', '', ''],
      HOLD_MS,
      ['+a5', '-a16'],
    ],
    ['each cause for itself', ['a', 'ab', 'b', ''], 0, ['+a0', '+b1', '-a2', '-b3']],
    ['no end of what was hidden', ['a', '?', 'a', '?b', ''], 0, ['+a0', '+b3', '-b4', '-a4']],
    ['again when it comes back', ['a', '', 'a', ''], 0, ['+a0', '-a1', '+a2', '-a3']],
  ])('is told %s', (_, looks, holdMs, expected) => {
    expect(told(looks, holdMs)).toEqual(expected);
  });

  it('is not over when a single look does not show it, though looks are as far apart as it is waited for', () => {
    const look = (open: readonly OpenAlert[], keys: string, minute: number, isWhole = true) =>
      nextLedger(open, keys.split('').map(problem), {
        ...{ nowMs: minute * MINUTE_MS, holdMs: HOLD_MS, isWhole },
      });
    let step = look(look([], 'a', 0).open, 'a', 5);
    expect(keysOf(step.begun)).toEqual(new Set(['a']));
    step = look(step.open, '', 10);
    expect(step.ended).toEqual([]);
    // What may be there still is not over for as long.
    step = look(step.open, '', 15, false);
    step = look(step.open, '', 20);
    expect(step.ended).toEqual([]);
    step = look(step.open, '', 25);
    expect(keysOf(step.ended)).toEqual(new Set(['a']));
  });

  it('is told a second time after looks that were not whole for longer than a day', () => {
    const HOUR_MS = 60 * MINUTE_MS;
    let open: readonly OpenAlert[] = [];
    const heard: string[] = [];
    const look = (hour: number, keys: string, isWhole: boolean) => {
      const step = nextLedger(open, keys.split('').map(problem), {
        ...{ nowMs: hour * HOUR_MS, holdMs: 0, isWhole },
        ...{ hiddenMostMs: () => 24 * HOUR_MS, hidesUnlessWhole: true },
      });
      heard.push(...step.begun.map((alert) => `+${alert.problem.key}${hour}`));
      heard.push(...step.ended.map((alert) => `-${alert.problem.key}${hour}`));
      ({ open } = step);
    };
    look(0, 'a', false);
    // What a whole look shows again was there all the time; what it does not show is over at once.
    look(1, '', false);
    look(24, 'a', false);
    for (let hour = 25; hour <= 48; hour++) look(hour, '', false);
    expect(heard).toEqual(['+a0']);
    look(49, '', false);
    look(900, 'a', false);
    look(901, '', true);
    expect(heard).toEqual(['+a0', '-a49', '+a900', '-a901']);
  });

  it('keeps since when it was seen, and shows it as it was seen last', () => {
    const first = nextLedger([], [problem('a')], { nowMs: 1_000, holdMs: 0, isWhole: true });
    const again = { ...problem('a'), text: 'a and b are late' };
    const second = nextLedger(first.open, [again], { nowMs: 2_000, holdMs: 0, isWhole: true });
    expect(second.begun).toEqual([]);
    expect(second.open).toEqual([
      { problem: again, firstSeenMs: 1_000, lastSeenMs: 2_000, isTold: true },
    ]);
  });

  it('is told as soon, both its begin and its end, when the clock goes back by a day', () => {
    const DAY_MS = 86_400_000;
    const look = (open: readonly OpenAlert[], keys: string, nowMs: number) =>
      nextLedger(open, keys.split('').map(problem), { nowMs, holdMs: HOLD_MS, isWhole: true });
    let step = look([], 'a', DAY_MS);
    step = look(step.open, 'a', 0);
    expect(step.begun).toEqual([]);
    step = look(step.open, 'a', HOLD_MS);
    expect(keysOf(step.begun)).toEqual(new Set(['a']));
    step = look(step.open, 'a', DAY_MS);
    step = look(step.open, '', 0);
    expect(step.ended).toEqual([]);
    step = look(step.open, '', HOLD_MS);
    expect(keysOf(step.ended)).toEqual(new Set(['a']));
  });

  it('tells of every cause its begin and its end in turn, whatever comes and goes', () => {
    let state = 12_345;
    const random = () => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return state / 2 ** 31;
    };
    for (let run = 0; run < 200; run++) {
      const looks = Array.from({ length: 60 }, () =>
        ['a', 'b', 'c'].filter(() => random() < 0.6).join(''),
      );
      const words = told([...looks, ...Array.from({ length: 10 }, () => '')], 3 * MINUTE_MS);
      for (const key of ['a', 'b', 'c']) {
        const of = words.filter((word) => word[1] === key).map((word) => word[0]);
        expect(of.join('')).toMatch(/^(\+-)*$/);
      }
    }
  });

  it('goes on for what is still there and was not shown, and ends when it is there no more', () => {
    const look = (open: readonly OpenAlert[], keys: string, minute: number, there = '') =>
      nextLedger(open, keys.split('').map(problem), {
        ...{ nowMs: minute * MINUTE_MS, holdMs: MINUTE_MS, isWhole: true },
        isThere: (key) => there.includes(key),
      });
    let step = look([], 'ab', 0);
    // Also what has no room is told when it has lasted.
    step = look(step.open, 'c', 1, 'ab');
    expect(keysOf(step.begun)).toEqual(new Set(['a', 'b']));
    step = look(step.open, 'c', 2, 'a');
    step = look(step.open, 'c', 3, 'a');
    expect(keysOf(step.ended)).toEqual(new Set(['b']));
    expect(keysOf(step.open)).toEqual(new Set(['c', 'a']));
  });

  it('is bounded: the gravest are followed, and of them what was told', () => {
    const error = (key: string) => problem(key);
    const warning = (key: string): ObservedProblem => ({ ...problem(key), severity: 'warning' });
    const one = jsonBytes(
      nextLedger([], [error('a')], { nowMs: 0, holdMs: 0, isWhole: true }).open[0],
    );
    const look = (open: readonly OpenAlert[], problems: readonly ObservedProblem[]) =>
      nextLedger(open, problems, {
        ...{ nowMs: 0, holdMs: 0, isWhole: true, mostBytes: 3 * one + 10 },
      });
    const first = look([], [warning('w'), error('a')]);
    expect(keysOf(first.begun)).toEqual(new Set(['w', 'a']));
    const second = look(first.open, [error('b'), error('c'), error('d'), warning('w'), error('a')]);
    expect(keysOf(second.open)).toEqual(new Set(['b', 'c', 'a']));
    expect(keysOf(second.begun)).toEqual(new Set(['b', 'c']));
  });

  it.each(['NOT_LOOKED_AT', 'REPOSITORY_AWAY', 'JOB_UNREAD', 'CHANNELS_UNREAD'] as const)(
    'is not the whole of it where %s hides the rest',
    (code) => {
      expect(seesAll([problem('a')])).toBe(true);
      expect(seesAll([problem('a'), { code }])).toBe(false);
    },
  );
});
