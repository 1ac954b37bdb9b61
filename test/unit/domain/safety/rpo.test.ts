import { describe, expect, it } from 'vitest';
import type { CopyLimits } from '../../../../src/domain/safety/rpo-policy.js';
import { limitsOf, rpoStatus, type CopyFacts } from '../../../../src/domain/safety/rpo.js';
import { SEEN, type Sight } from '../../../../src/domain/safety/sight.js';

const HOUR_MS = 3_600_000;
const NOW_MS = Date.parse('2026-11-26T12:00:00Z');

/** Epoch milliseconds of so many hours ago. */
function ago(hours: number): number {
  return NOW_MS - hours * HOUR_MS;
}

function awayFor(hours: number): Sight {
  return { state: 'away', sinceMs: ago(hours) };
}

/** Not seen since the service started, when it was away already. */
const NEVER: Sight = { state: 'never', sinceMs: ago(1) };
const NOT_CONFIGURED: Sight = { state: 'notConfigured', sinceMs: null };

function facts(changes: Partial<CopyFacts> & { copiedHoursAgo?: number } = {}): CopyFacts {
  const { copiedHoursAgo, ...rest } = changes;
  const copiedMs = copiedHoursAgo === undefined ? null : ago(copiedHoursAgo);
  return {
    sourceAtMs: [ago(12)],
    source: SEEN,
    newestCopyAtMs: copiedMs,
    copiedUntilMs: copiedMs,
    target: SEEN,
    ...rest,
  };
}

const AGE: CopyLimits = { maxCopyAgeHours: 26, maxLagHours: null };
const LAG: CopyLimits = { maxCopyAgeHours: null, maxLagHours: 4 };

describe('a copy that may not be older than 26 h', () => {
  it.each([
    ['is well at 26 h', facts({ copiedHoursAgo: 26 }), 'ok', null, []],
    [
      'is late after 35 h, since 9 h ago',
      facts({ copiedHoursAgo: 35 }),
      'late',
      ago(9),
      ['copyTooOld'],
    ],
    [
      'is late because the source stopped when it has all that the source has',
      facts({ copiedHoursAgo: 35, sourceAtMs: [ago(35), ago(59)] }),
      'late',
      ago(9),
      ['sourceStopped'],
    ],
    [
      'does not blame a source that is away',
      facts({ copiedHoursAgo: 35, sourceAtMs: [ago(35)], source: awayFor(30) }),
      'late',
      ago(9),
      ['copyTooOld'],
    ],
    ['is awaited when there is none yet', facts(), 'unknown', ago(12), ['noCopy']],
    [
      'is late when there is none 26 h after the first restore point',
      facts({ sourceAtMs: [ago(6), ago(30)] }),
      'late',
      ago(4),
      ['noCopy'],
    ],
    [
      'is unknown without any restore point',
      facts({ sourceAtMs: [] }),
      'unknown',
      null,
      ['noRestorePoint'],
    ],
    [
      'is unknown while its target is away',
      facts({ copiedHoursAgo: 12, target: awayFor(3) }),
      'unknown',
      ago(3),
      ['targetUnknown'],
    ],
    [
      'is late all the same when what was last seen there is too old',
      facts({ copiedHoursAgo: 27, target: awayFor(3) }),
      'late',
      ago(1),
      ['copyTooOld'],
    ],
    [
      'is late because the source stopped when all that it has waits in the future',
      facts({ copiedHoursAgo: 35, sourceAtMs: [ago(-8_000), ago(35)] }),
      'late',
      ago(9),
      ['sourceStopped'],
    ],
    [
      'is unknown, not missing, in a target that nobody has seen',
      facts({ sourceAtMs: [ago(6), ago(30)], target: NEVER }),
      'unknown',
      ago(1),
      ['targetUnknown'],
    ],
    [
      'is unknown, not missing, in a target that is not configured',
      facts({ sourceAtMs: [ago(6), ago(30)], target: NOT_CONFIGURED }),
      'unknown',
      null,
      ['targetUnknown'],
    ],
    [
      'is missing in a target that is away and had none',
      facts({ sourceAtMs: [ago(6), ago(30)], target: awayFor(1) }),
      'late',
      ago(4),
      ['noCopy'],
    ],
    [
      'is unknown when nobody has seen the source that could show a restore point',
      facts({ sourceAtMs: [], source: NEVER }),
      'unknown',
      ago(1),
      ['sourceUnknown'],
    ],
    [
      'does not blame a source that is not configured',
      facts({ copiedHoursAgo: 35, sourceAtMs: [ago(35)], source: NOT_CONFIGURED }),
      'late',
      ago(9),
      ['copyTooOld'],
    ],
    [
      'is well while only its source is away',
      facts({ copiedHoursAgo: 12, source: awayFor(3) }),
      'ok',
      null,
      [],
    ],
    [
      'is no younger than when it was copied, whatever its date says',
      facts({ newestCopyAtMs: ago(30), copiedUntilMs: ago(-100), sourceAtMs: [ago(-100)] }),
      'late',
      ago(4),
      ['sourceStopped'],
    ],
  ] as const)('%s', (_case, known, state, sinceMs, codes) => {
    const status = rpoStatus(known, AGE, NOW_MS);
    expect({ ...status, reasons: status.reasons.map(({ code }) => code) }).toEqual({
      state,
      sinceMs,
      reasons: codes,
    });
  });

  it('says it in words', () => {
    expect(rpoStatus(facts({ copiedHoursAgo: 35 }), AGE, NOW_MS).reasons[0]?.text).toBe(
      'its newest copy is 35 h old; the limit is 26 h',
    );
  });
});

describe('a copy that may not be further behind than 4 h', () => {
  it.each([
    ['is well when all is copied, however old', facts({ copiedHoursAgo: 12 }), 'ok', null, []],
    [
      'is well while the oldest that waits is not 4 h old',
      facts({ copiedHoursAgo: 12, sourceAtMs: [ago(1), ago(4), ago(12)] }),
      'ok',
      null,
      [],
    ],
    [
      'is late since the oldest that waits was 4 h old, though newer ones come',
      facts({ copiedHoursAgo: 12, sourceAtMs: [ago(1), ago(3), ago(7), ago(12)] }),
      'late',
      ago(3),
      ['behindSource'],
    ],
    [
      'is unknown, not behind, in a target that nobody has seen',
      facts({ sourceAtMs: [ago(12)], target: NEVER }),
      'unknown',
      ago(1),
      ['targetUnknown'],
    ],
    [
      'is unknown while its source is not configured',
      facts({ copiedHoursAgo: 12, source: NOT_CONFIGURED }),
      'unknown',
      null,
      ['sourceUnknown'],
    ],
    [
      'is unknown while its source is away',
      facts({ copiedHoursAgo: 12, source: awayFor(2) }),
      'unknown',
      ago(2),
      ['sourceUnknown'],
    ],
  ] as const)('%s', (_case, known, state, sinceMs, codes) => {
    const status = rpoStatus(known, LAG, NOW_MS);
    expect({ ...status, reasons: status.reasons.map(({ code }) => code) }).toEqual({
      state,
      sinceMs,
      reasons: codes,
    });
  });
});

it.each([
  ['its target has not been looked at yet', { state: 'never', sinceMs: null }],
  ['its target has not been seen for 60 min', NEVER],
  ['its target is not configured', NOT_CONFIGURED],
  ['its copies have not been seen for 3 h', awayFor(3)],
] as const)('says that %s', (text, target) => {
  const copied = target.state === 'away' ? { copiedHoursAgo: 12 } : {};
  expect(rpoStatus(facts({ ...copied, target }), AGE, NOW_MS).reasons).toEqual([
    { code: 'targetUnknown', text },
  ]);
});

it('is late since the first of two limits that were broken', () => {
  const known = facts({ copiedHoursAgo: 30, sourceAtMs: [ago(6), ago(30)] });
  const status = rpoStatus(known, { maxCopyAgeHours: 26, maxLagHours: 4 }, NOW_MS);
  expect(status.sinceMs).toBe(ago(4));
  expect(status.reasons.map(({ code }) => code)).toEqual(['copyTooOld', 'behindSource']);
});

it('is not known to be well without a limit', () => {
  const limits = limitsOf(null, { id: 'web01', name: 'web01' });
  expect(rpoStatus(facts({ copiedHoursAgo: 1 }), limits, NOW_MS)).toMatchObject({
    state: 'unknown',
    reasons: [{ code: 'noLimit' }],
  });
});

it('takes the limits of a workload, by id or name, before those of the job', () => {
  const rpo = {
    ...AGE,
    workloads: [{ workload: 'db07', maxCopyAgeHours: null, maxLagHours: 2 }],
  };
  expect(limitsOf(rpo, { id: 'ovirt-7', name: 'db07' })).toEqual({
    maxCopyAgeHours: null,
    maxLagHours: 2,
  });
  expect(limitsOf(rpo, { id: 'ovirt-8', name: 'db08' })).toEqual(AGE);
  expect(limitsOf(rpo, { id: 'x', name: 'y', otherIds: ['db07'] })).toMatchObject({
    maxLagHours: 2,
  });
  const [first] = rpo.workloads;
  const later = {
    ...rpo,
    workloads: [first!, { workload: 'x', maxCopyAgeHours: 1, maxLagHours: 1 }],
  };
  expect(limitsOf(later, { id: 'x', name: 'y', otherIds: [first!.workload] })).toMatchObject({
    maxLagHours: 1,
  });
});
