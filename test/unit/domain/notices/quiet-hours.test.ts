import { describe, expect, it } from 'vitest';
import type { LedgerStep, OpenAlert } from '../../../../src/domain/notices/alert-ledger.js';
import { rehearsal } from '../../../../src/domain/notices/notice.js';
import { isQuiet, joinedStep } from '../../../../src/domain/notices/quiet-hours.js';

function alerts(keys: string): OpenAlert[] {
  return keys.split('').map((key) => ({
    problem: {
      ...{ key, code: 'COPY_LATE', severity: 'error', text: key, nextStep: 'Start it.' },
      ...{ sinceMs: null, jobId: null },
    },
    ...{ firstSeenMs: 0, lastSeenMs: 0, isTold: true },
  }));
}

function step(begun: string, ended: string): LedgerStep {
  return { open: [], begun: alerts(begun), ended: alerts(ended) };
}

describe('quiet hours', () => {
  const NIGHT = { from: '22:00', to: '07:00' };

  it.each([
    ['2026-11-25T20:59:59Z', false],
    ['2026-11-25T21:00:00Z', true],
    ['2026-11-26T05:59:59Z', true],
    ['2026-11-26T06:00:00Z', false],
  ])('of Berlin hold at %s: %s', (at, isHeld) => {
    expect(isQuiet(NIGHT, 'Europe/Berlin', Date.parse(at))).toBe(isHeld);
  });

  it('are none where none are set', () => expect(isQuiet(null, 'UTC', 0)).toBe(false));

  it.each([
    ['what began stays', ['a', ''], ['', ''], 'a', ''],
    ['what began and ended is told as ended', ['a', ''], ['', 'a'], '', 'a'],
    ['what was told before and ended is told as ended', ['', 'a'], ['b', ''], 'b', 'a'],
    ['what ended and came back is told as begun', ['', 'a'], ['a', ''], 'a', ''],
    ['each cause is told once', ['ab', ''], ['a', 'b'], 'a', 'b'],
  ])('are told of in one: %s', (_, [begun, ended], [thenBegun, thenEnded], all, over) => {
    const joined = joinedStep(step(begun!, ended!), step(thenBegun!, thenEnded!));
    const keys = (list: readonly OpenAlert[]) => list.map(({ problem }) => problem.key).join('');
    expect([keys(joined.begun), keys(joined.ended)]).toEqual([all, over]);
  });
});

it('rehearses an alarm as grave as it gets, and its end, both of which say so', () => {
  const [alarm, recovery] = rehearsal(Date.parse('2026-11-26T03:00:00Z'));
  expect([alarm.kind, alarm.severity]).toEqual(['alarm', 'error']);
  expect([recovery.kind, recovery.severity]).toEqual(['recovery', null]);
  expect(alarm.id).not.toBe(recovery.id);
  for (const { subject, lines } of [alarm, recovery])
    expect([subject.startsWith('Rehearsal: '), lines[0]]).toEqual([
      true,
      'This is a rehearsal: nothing is wrong, and nothing is to be done.',
    ]);
});
