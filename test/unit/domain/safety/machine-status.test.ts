import { describe, expect, it } from 'vitest';
import { safetyOf } from '../../../../src/domain/safety/safety.js';
import {
  SHOWN_MACHINES,
  type ChainFacts,
  type MachineFacts,
  type SourceFacts,
} from '../../../../src/domain/safety/workload-facts.js';
import {
  ago,
  chain,
  facts,
  nightly,
  NOW_MS,
  repository,
  RPO,
  source,
} from '../../../support/safety/known-facts.js';
import { testJob } from '../../../support/session/test-site.js';

type Hours = Readonly<Record<string, number | null>>;

/** @param hours ago, by machine */
function machines(hours: Hours): MachineFacts[] {
  return Object.entries(hours).map(([name, each]) => ({
    name,
    newestAtSeconds: each === null ? null : ago(each) / 1_000,
  }));
}

interface Known {
  readonly shown: Hours;
  readonly copied: Hours;
  readonly rpo?: typeof RPO | object;
  readonly isSourceAway?: boolean;
  /** Of facts of an earlier build, or none. */
  readonly isCopyUnknown?: boolean;
}

/** A store whose newest snapshot of all is 12 h old, as is its copy; a copy may be 26 h old. */
function judge({ shown, copied, rpo = RPO, isSourceAway = false, isCopyUnknown = false }: Known) {
  const store: SourceFacts = { ...source('store1', 12), machines: machines(shown) };
  const copies: ChainFacts = chain(
    'store1',
    12,
    isCopyUnknown ? {} : { machines: machines(copied) },
  );
  const repositories = [
    isSourceAway
      ? repository('primary', [], { awaySinceMs: ago(2), reason: 'not mounted' })
      : repository('primary', [store]),
    repository('offsite', [copies]),
  ];
  const job = testJob({ rpo: rpo as typeof RPO });
  const { workloads, problems } = safetyOf(
    facts([], [], { repositories, jobs: [nightly({ job })] }),
    NOW_MS,
  );
  const codes = problems.map(({ code }) => code).filter((code) => code !== 'REPOSITORY_AWAY');
  const [reason] = workloads[0]!.copies[0]!.status.reasons;
  const { state, sinceMs } = workloads[0]!;
  return { state, sinceMs, codes, text: reason?.text };
}

const WELL = { state: 'ok', sinceMs: null, codes: [], text: undefined };

describe('a store with the backups of several machines', () => {
  it('is well while each has new ones', () => {
    const both = { 'vm/100': 12, 'ct/200': 20 };
    expect(judge({ shown: both, copied: both })).toEqual(WELL);
  });

  it('is late when the backups of one stopped, although the others go on', () => {
    const both = { 'vm/100': 12, 'ct/200': 50 };
    expect(judge({ shown: both, copied: both })).toEqual({
      state: 'late',
      sinceMs: ago(24),
      codes: ['SOURCE_STOPPED'],
      text: 'of ct/200, the source has shown no new restore point for 2 days; the limit is 26 h',
    });
  });

  it('says which is late the longest, and of how many more', () => {
    const all = { 'vm/100': 12, 'ct/200': 50, 'ct/201': 60, 'ns/dmz/host/web': 30 };
    expect(judge({ shown: all, copied: all }).text).toBe(
      'of ct/201, the source has shown no new restore point for 2 days; the limit is 26 h; as late, or less, are 2 more of it',
    );
  });

  it('is late when the copies of one are old or there are none, and its source has newer ones', () => {
    const shown = { 'vm/100': 12, 'ct/200': 12, 'ct/201': 28 };
    expect(judge({ shown, copied: { 'vm/100': 12, 'ct/200': 36, 'ct/201': 28 } })).toMatchObject({
      codes: ['COPY_LATE'],
      text: 'of ct/200, its newest copy is 36 h old; the limit is 26 h; as late, or less, are 1 more of it',
    });
    expect(judge({ shown, copied: { 'vm/100': 12, 'ct/200': 12, 'ct/201': null } })).toMatchObject({
      codes: ['COPY_LATE'],
      text: 'of ct/201, it has no copy',
    });
  });

  it('does not miss one that its source does not show any more, nor one whose last snapshots stay by a limit of its own', () => {
    const copied = { 'vm/100': 12, 'ct/200': 500 };
    expect(judge({ shown: { 'vm/100': 12 }, copied })).toEqual(WELL);
    const none = { maxCopyAgeHours: null, maxLagHours: null };
    for (const workload of ['store1/ct/200', 'id-store1/ct/200'])
      expect(
        judge({ shown: copied, copied, rpo: { ...RPO, workloads: [{ workload, ...none }] } }),
      ).toEqual(WELL);
  });

  it('holds one to a shorter limit of its own', () => {
    const both = { 'vm/100': 12, 'ct/200': 12 };
    const own = { workload: 'store1/vm/100', maxCopyAgeHours: 8, maxLagHours: null };
    expect(judge({ shown: both, copied: both, rpo: { ...RPO, workloads: [own] } })).toMatchObject({
      state: 'late',
      sinceMs: ago(4),
    });
  });

  it('goes by its copies while the source cannot be looked at', () => {
    expect(
      judge({ shown: {}, copied: { 'vm/100': 12, 'ct/200': 50 }, isSourceAway: true }),
    ).toMatchObject({
      state: 'unknown',
      sinceMs: ago(24),
      text: 'of ct/200, its newest copy is 2 days old; the limit is 26 h; whether its source still has it is not known',
    });
  });

  it('is not known to be well while one has no copy yet', () => {
    const shown = { 'vm/100': 12, 'ct/300': 12 };
    expect(judge({ shown, copied: { 'vm/100': 12 } })).toEqual({
      ...{ state: 'unknown', sinceMs: ago(12), codes: ['COPY_MISSING'] },
      text: 'of ct/300, it has no copy yet',
    });
  });

  it('says nothing of copies of which it does not know whose they are', () => {
    const shown = { 'vm/100': 12, 'ct/200': 50 };
    expect(judge({ shown, copied: {}, isCopyUnknown: true })).toEqual(WELL);
  });

  it('takes one that is not among as many as are told for newer than those', () => {
    const copied = Object.fromEntries(
      Array.from({ length: SHOWN_MACHINES }, (_, index) => [`vm/${index}`, 12]),
    );
    const shown = { 'vm/0': 12, 'vm/5000': 50 };
    expect(judge({ shown, copied })).toEqual(WELL);
  });
});
