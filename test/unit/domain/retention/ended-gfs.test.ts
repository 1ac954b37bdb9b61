import { describe, expect, it } from 'vitest';
import type { EndedGfs, GfsPolicy } from '../../../../src/domain/jobs/copy-job.js';
import { endedByRequest } from '../../../../src/domain/retention/ended-gfs.js';

const WEEKLY = { keep: 4, day: 'sunday' } as const;
const YEARLY = { keep: 3, month: 'january' } as const;
const GFS: GfsPolicy = { weekly: WEEKLY, monthly: null, yearly: YEARLY, fullMethod: 'synthetic' };
const ended = (weekly: number | null, monthly: number | null, yearly: number | null): EndedGfs => ({
  ...{ weekly, monthly, yearly },
});

describe('GFS tiers that a change turns off', () => {
  it('keep their fulls when the change says nothing of them', () => {
    expect(endedByRequest({ gfs: GFS }, { gfs: null })).toEqual(ended(4, null, 3));
    expect(endedByRequest({ gfs: GFS }, { gfs: { ...GFS, yearly: null } })).toEqual(
      ended(null, null, 3),
    );
  });

  it('keep no full when the change lets them go', () => {
    expect(endedByRequest({ gfs: GFS }, { gfs: null, endedGfs: null })).toBeUndefined();
  });

  it('add to those that were turned off before, also when the change repeats only these', () => {
    const before = { gfs: { ...GFS, yearly: null }, endedGfs: ended(null, 6, null) };
    expect(endedByRequest(before, { gfs: null })).toEqual(ended(4, 6, null));
    expect(endedByRequest(before, { gfs: null, endedGfs: ended(null, 6, null) })).toEqual(
      ended(4, 6, null),
    );
    expect(endedByRequest(before, { gfs: before.gfs, endedGfs: ended(null, null, null) })).toBe(
      undefined,
    );
  });

  it('are forgotten when they are on again', () => {
    const before = { gfs: null, endedGfs: ended(4, null, 3) };
    expect(endedByRequest(before, { gfs: { ...GFS, yearly: null } })).toEqual(ended(null, null, 3));
    expect(endedByRequest(before, { gfs: GFS })).toBeUndefined();
  });
});
