import { describe, expect, it } from 'vitest';
import type { SourceFingerprint } from '../../../../src/domain/sources/source-workload.js';
import {
  identifySourcePoints,
  supersededToDelete,
  UNDATED_ID,
  type IdentityInput,
  type SourceIdentity,
} from '../../../../src/domain/sources/source-identity.js';
import type {
  CopiedSource,
  TargetRestorePoint,
} from '../../../../src/domain/targets/target-point.js';
import { sourcePoint, targetChain } from '../retention/chain-builder.js';

const files = (name: string): SourceFingerprint => ({
  byPath: `path ${name}`,
  byFile: `file ${name}`,
});
const DAYS = ['2026-11-20', '2026-11-21', '2026-11-22'];
const idOf = (day: string): string => `${day}T22:00:00Z`;

/** Copies of the 20th to the 22nd, each with the files of its day. */
function copies(changes: Record<string, Partial<CopiedSource>> = {}): TargetRestorePoint[] {
  return targetChain(DAYS).map((copy) => {
    const day = copy.createdAt.slice(0, 10);
    return { ...copy, source: { ...copy.source, fingerprint: files(day), ...changes[day] } };
  });
}

function identityOf(
  point: ReturnType<typeof sourcePoint>,
  input: Partial<IdentityInput> = {},
): SourceIdentity {
  const identified = identifySourcePoints({
    sourceRepositoryId: 'primary',
    copied: copies(),
    known: [],
    current: [point],
    epoch: 4,
    ...input,
  });
  return identified.find(({ id }) => id === point.id)!.identity;
}

const at21 = (change: Parameters<typeof sourcePoint>[2] = {}) =>
  sourcePoint('2026-11-21', '2026-11-20', { fingerprint: files('2026-11-21'), ...change });
const COPIED21 = { is: 'copied', copiedId: idOf('2026-11-21') };
const UNDATED = { restorePointId: UNDATED_ID };
/** An undated file that was written to on this day, on storage with weak stamps, and a copy of it that was read then. */
const undatedOn = (day: string) =>
  at21({ id: UNDATED_ID, createdAtMs: Date.parse(idOf(day)), fingerprint: null });
const readOn = (day: string) => ({
  ...UNDATED,
  ...{ fingerprint: null, provenInEpoch: 4, provenCreatedAt: idOf(day) },
});
const JUDGED = {
  verdict: 'grown',
  reason: 'its disk vdb is new',
  fingerprint: files('grown'),
  epoch: 3,
} as const;
const UNPROVEN21 = { is: 'unproven', copiedId: idOf('2026-11-21') };

describe('a source point', () => {
  it.each<[string, ReturnType<typeof sourcePoint>, Partial<IdentityInput>, object]>([
    ['is a copied one when its files are untouched', at21(), {}, COPIED21],
    [
      'is a copied one when its untouched files were moved',
      at21({ fingerprint: { byPath: 'elsewhere', byFile: 'file 2026-11-21' } }),
      {},
      COPIED21,
    ],
    [
      'is a copied one under another name and date when its files are untouched',
      at21({ id: 'renamed', createdAtMs: 5 }),
      {},
      COPIED21,
    ],
    [
      'has to be compared when only its name and date are those of a copied one',
      at21({ fingerprint: files('touched') }),
      {},
      UNPROVEN21,
    ],
    [
      'has to be compared when its date is that of a copied one whose name is gone',
      at21({ id: 'renamed', fingerprint: files('touched') }),
      {},
      UNPROVEN21,
    ],
    [
      'is new when it has the name of a copied one and a later date, whatever it shows',
      at21({ createdAtMs: Date.parse('2026-11-25T22:00:00Z'), fingerprint: files('anew') }),
      {},
      { is: 'new' },
    ],
    [
      'is new when its files are those of a copied one in another repository',
      at21({ id: 'x', createdAtMs: 5 }),
      { sourceRepositoryId: 'other' },
      { is: 'new' },
    ],
    [
      'that is undated has to be compared with the last copy of its file, whenever that was',
      at21({ id: UNDATED_ID, createdAtMs: 5, fingerprint: files('written to') }),
      { copied: copies({ '2026-11-20': UNDATED, '2026-11-21': UNDATED }) },
      UNPROVEN21,
    ],
    [
      'that is undated is new when its file was found to hold something else',
      at21({ id: UNDATED_ID, createdAtMs: 5, fingerprint: files('other') }),
      {
        copied: copies({
          '2026-11-21': {
            ...UNDATED,
            judged: {
              verdict: 'replaced',
              reason: 'other bytes',
              fingerprint: files('other'),
              epoch: 3,
            },
          },
        }),
      },
      { is: 'new' },
    ],
    [
      'is never proven by files on storage with weak stamps',
      at21({ fingerprint: null }),
      { copied: copies({ '2026-11-21': { fingerprint: null } }) },
      UNPROVEN21,
    ],
    [
      'is proven on such storage as long as the owner of the chain is the one that read it',
      at21({ fingerprint: null }),
      { copied: copies({ '2026-11-21': { fingerprint: null, provenInEpoch: 4 } }) },
      COPIED21,
    ],
    [
      'is new on such storage though its owner has read another one',
      sourcePoint('2026-11-25', '2026-11-22', { fingerprint: null }),
      { copied: copies({ '2026-11-21': { fingerprint: null, provenInEpoch: 4 } }) },
      { is: 'new' },
    ],
    [
      'that is undated is what was copied when its owner has read it with this date',
      undatedOn('2026-11-25'),
      { copied: copies({ '2026-11-21': readOn('2026-11-25') }) },
      COPIED21,
    ],
    [
      'that is undated has to be read when its owner has read it with another date',
      undatedOn('2026-11-26'),
      { copied: copies({ '2026-11-21': readOn('2026-11-25') }) },
      { is: 'unproven', copiedId: idOf('2026-11-21') },
    ],
    [
      'has to be read on such storage though its owner has read another one',
      sourcePoint('2026-11-22', '2026-11-21', { fingerprint: null }),
      {
        copied: copies({
          '2026-11-21': { fingerprint: null, provenInEpoch: 4 },
          '2026-11-22': { fingerprint: null, provenInEpoch: 3 },
        }),
      },
      { is: 'unproven', copiedId: idOf('2026-11-22') },
    ],
    [
      'has to be read again by the next owner',
      at21({ fingerprint: null }),
      { copied: copies({ '2026-11-21': { fingerprint: null, provenInEpoch: 3 } }) },
      UNPROVEN21,
    ],
    [
      'of one of our own chains is told by the identity that this vouches for',
      at21({ id: 'x', fingerprint: null, copyId: 'token' }),
      { copied: copies({ '2026-11-21': { fingerprint: null, copyId: 'token' } }) },
      COPIED21,
    ],
    [
      'that is not complete is only named',
      at21({ state: 'unknown' }),
      {},
      { is: 'unreadable', copiedId: idOf('2026-11-21') },
    ],
    [
      'that is not complete and was never copied has no copy',
      sourcePoint('2026-11-25', null, { state: 'inProgress' }),
      {},
      { is: 'unreadable', copiedId: null },
    ],
    [
      'is new when it was passed over in another repository',
      at21(),
      {
        copied: [],
        known: [
          {
            repositoryId: 'other',
            restorePointId: '2026-11-21',
            createdAt: '2026-11-21T22:00:00.000Z',
          },
        ],
      },
      { is: 'new' },
    ],
    [
      'is new when it has the date of a copied one whose own name is still there',
      at21({ id: 'beside', fingerprint: files('beside') }),
      { current: [at21(), at21({ id: 'beside', fingerprint: files('beside') })] },
      { is: 'new' },
    ],
    [
      'has to be compared when nothing is known of the files of its copy',
      at21(),
      { copied: copies({ '2026-11-21': { fingerprint: null } }) },
      UNPROVEN21,
    ],
    [
      'whose files can be told apart is not proven by a reading of this owner alone',
      at21({ fingerprint: files('touched') }),
      { copied: copies({ '2026-11-21': { fingerprint: null, provenInEpoch: 4 } }) },
      UNPROVEN21,
    ],
    [
      'is what this owner judged it to be where files cannot be told apart',
      at21({ fingerprint: null }),
      {
        copied: copies({
          '2026-11-21': {
            fingerprint: null,
            judged: { verdict: 'replaced', reason: 'other bytes', fingerprint: null, epoch: 4 },
          },
        }),
      },
      { is: 'replaced', copiedId: idOf('2026-11-21') },
    ],
    [
      'is compared again by the next owner where files cannot be told apart',
      at21({ fingerprint: null }),
      {
        copied: copies({
          '2026-11-21': {
            fingerprint: null,
            judged: { verdict: 'replaced', reason: 'other bytes', fingerprint: null, epoch: 3 },
          },
        }),
      },
      UNPROVEN21,
    ],
    [
      'is new when it shares only its date with a copied one and was found to be another',
      at21({ id: 'renamed', fingerprint: files('other') }),
      {
        copied: copies({
          '2026-11-21': {
            judged: {
              verdict: 'replaced',
              reason: 'other bytes',
              fingerprint: files('other'),
              epoch: 3,
            },
          },
        }),
      },
      { is: 'new' },
    ],
  ])('%s', (_, point, input, expected) => {
    expect(identityOf(point, input)).toEqual(expected);
  });

  it('is copied once more at most where only what was empty below it was filled', () => {
    const judged = { ...JUDGED, verdict: 'replaced', isFilled: true } as const;
    const [day20, day21] = copies({ '2026-11-21': { judged } });
    const again = { ...day21!, id: 'again' };
    const point = at21({ fingerprint: files('grown') });
    const name = { repositoryId: 'primary', restorePointId: point.id };
    const replaced = { is: 'replaced', copiedId: 'again' };
    expect(identityOf(point, { copied: [day20!, day21!] })).toEqual({ is: 'new' });
    expect(identityOf(point, { copied: [day20!, day21!, again] })).toEqual(replaced);
    // The first one has gone by retention.
    expect(
      identityOf(point, {
        copied: [day20!, again],
        known: [{ ...name, createdAt: day21!.createdAt }],
      }),
    ).toEqual(replaced);
  });
});

describe('a point of a chain of copies that is known to be short, with no whole one in its place', () => {
  const short = {
    ...({ state: 'incomplete', reason: 'too early', fingerprint: null } as const),
    ...({ short: 'its disk vdb is new', hasNoWhole: true, copyId: 'first' } as const),
  };
  const judged = JUDGED;

  it.each<[string, TargetRestorePoint[], SourceIdentity]>([
    ['is new where no copy of it is', [], { is: 'new' }],
    [
      'is a copied one where its own copy is, and is not copied again',
      copies({ '2026-11-21': { copyId: 'first', judged } }),
      { is: 'copied', copiedId: idOf('2026-11-21') },
    ],
    [
      'is none where another copy of its backup is, which may be whole',
      copies({ '2026-11-21': { copyId: 'second' } }),
      { is: 'unreadable', copiedId: idOf('2026-11-21') },
    ],
  ])('%s', (_, copied, expected) => {
    expect(identityOf(at21(short), { copied })).toEqual(expected);
  });

  it('says nothing as long as a whole one stands in its place', () => {
    const { hasNoWhole: _, ...other } = short;
    expect(identityOf(at21(other), { copied: [] })).toEqual({ is: 'unreadable', copiedId: null });
  });
});

describe('a point that has grown since it was copied', () => {
  const judged = JUDGED;
  const short = copies({ '2026-11-21': { judged } });
  const at22 = sourcePoint('2026-11-22', '2026-11-21', { fingerprint: files('2026-11-22') });

  it('is copied again, and so is what was copied on top of it', () => {
    const current = [at21({ fingerprint: files('grown') }), at22];
    const input = { copied: short, current };
    expect(identityOf(current[0]!, input)).toEqual({
      is: 'grown',
      copiedId: idOf('2026-11-21'),
      reason: 'its disk vdb is new',
    });
    expect(identityOf(at22, input)).toMatchObject({
      is: 'grown',
      reason: 'the copy that it builds on was taken too early',
    });
  });

  it('is judged anew when its files were touched again', () => {
    expect(identityOf(at21({ fingerprint: files('later') }), { copied: short })).toMatchObject({
      is: 'grown',
    });
    const replaced = copies({ '2026-11-21': { judged: { ...judged, verdict: 'replaced' } } });
    expect(identityOf(at21({ fingerprint: files('later') }), { copied: replaced })).toEqual(
      UNPROVEN21,
    );
    expect(identityOf(at21({ fingerprint: files('grown') }), { copied: replaced })).toEqual({
      is: 'replaced',
      copiedId: idOf('2026-11-21'),
    });
  });

  /** The 21st and the 22nd once more, in a chain of their own. */
  const again = (...days: string[]): TargetRestorePoint[] =>
    targetChain(days).map((copy) => ({
      ...copy,
      id: `${copy.id}-2`,
      parentId: copy.parentId === null ? null : `${copy.parentId}-2`,
      source: { ...copy.source, fingerprint: files(`again ${copy.createdAt.slice(0, 10)}`) },
    }));

  it('is known by its new copy, and the short ones go, dependents first', () => {
    const copied = [...short, ...again('2026-11-21', '2026-11-22')];
    const point = at21({ fingerprint: files('again 2026-11-21') });
    expect(identityOf(point, { copied })).toEqual({
      is: 'copied',
      copiedId: `${idOf('2026-11-21')}-2`,
    });
    expect(supersededToDelete(copied)).toEqual([idOf('2026-11-22'), idOf('2026-11-21')]);
  });

  it('lets go of the short copy of an undated file for the next copy alone', () => {
    const undated = { '2026-11-20': UNDATED, '2026-11-21': { ...UNDATED, judged } };
    const alone = (copy: TargetRestorePoint) => ({ ...copy, parentId: null });
    const copied = copies({ ...undated, '2026-11-22': UNDATED }).map(alone);
    expect(supersededToDelete(copied.slice(0, 2))).toEqual([]);
    expect(supersededToDelete(copied)).toEqual([idOf('2026-11-21')]);
  });

  it('keeps its short copy as long as another one builds on it', () => {
    expect(supersededToDelete([...short, ...again('2026-11-21')])).toEqual([]);
  });

  it('does not let go of copies that were replaced at the source', () => {
    const judgement = { ...judged, verdict: 'replaced' } as const;
    const copied = [...copies({ '2026-11-22': { judged: judgement } }), ...again('2026-11-22')];
    expect(supersededToDelete(copied)).toEqual([]);
  });
});
