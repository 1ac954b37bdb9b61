import { describe, expect, it } from 'vitest';
import {
  identifySourcePoints,
  type IdentityInput,
} from '../../../../src/domain/sources/source-identity.js';
import type { SourceFingerprint } from '../../../../src/domain/sources/source-workload.js';
import type { TargetRestorePoint } from '../../../../src/domain/targets/target-point.js';
import { sourcePoint, targetChain } from '../retention/chain-builder.js';

const files = (name: string): SourceFingerprint => ({
  byPath: `path ${name}`,
  byFile: `file ${name}`,
});

/** Copies of the 20th to the 22nd, each with the files of its day. */
function copies(): TargetRestorePoint[] {
  return targetChain(['2026-11-20', '2026-11-21', '2026-11-22']).map((copy) => {
    const fingerprint = files(copy.createdAt.slice(0, 10));
    return { ...copy, source: { ...copy.source, fingerprint } };
  });
}

const at21 = (change: Parameters<typeof sourcePoint>[2] = {}) =>
  sourcePoint('2026-11-21', '2026-11-20', { fingerprint: files('2026-11-21'), ...change });

/** The 21st was dealt with; the copies of the 20th and the 22nd are there. */
describe('a point that was dealt with', () => {
  const [day20, , day22] = copies();
  const known21 = {
    ...{ repositoryId: 'primary', restorePointId: '2026-11-21' },
    createdAt: '2026-11-21T22:00:00.000Z',
  };
  const dealtWith = { ...known21, fingerprint: files('2026-11-21') };
  const before = { copied: [day20!, day22!] };
  /** Nothing newer is copied. */
  const behind = { copied: [day20!] };
  const touched = at21({ fingerprint: files('touched') });
  const KNOWN = { is: 'known' };
  const CHANGED = { is: 'known', isChanged: true };
  const NEW = { is: 'new' };

  it.each<[string, ReturnType<typeof sourcePoint>, Partial<IdentityInput>, object]>([
    ['is known where its files are untouched', at21(), { ...behind, known: [dealtWith] }, KNOWN],
    [
      'is new where it is newer than all copies and its files are others: it was made anew',
      touched,
      { ...behind, known: [dealtWith] },
      NEW,
    ],
    [
      'is new where it is newer than all copies and nothing tells whether it is the same',
      at21({ fingerprint: null }),
      { ...behind, known: [{ ...known21, fingerprint: null }] },
      NEW,
    ],
    [
      'is new there, too, where an earlier build did not say what its files were',
      at21(),
      { ...behind, known: [known21] },
      NEW,
    ],
    [
      'is newer than the copies that the source shows by its order, whatever the dates say',
      at21({ createdAtMs: 5, fingerprint: files('touched') }),
      {
        ...behind,
        known: [{ ...dealtWith, createdAt: new Date(5).toISOString() }],
        current: [
          sourcePoint('2026-11-20', null, { fingerprint: files('2026-11-20') }),
          at21({ createdAtMs: 5, fingerprint: files('touched') }),
        ],
      },
      NEW,
    ],
    [
      'stays known before a copied one, whatever its tool merged below it',
      touched,
      { ...before, known: [dealtWith] },
      KNOWN,
    ],
    [
      'stays known before a copied one where nothing tells whether it is the same',
      at21({ fingerprint: null }),
      { ...before, known: [known21], makesFullsOnly: true },
      KNOWN,
    ],
    [
      'is told of where it stands for itself and its files are others',
      touched,
      { ...before, known: [dealtWith], makesFullsOnly: true },
      CHANGED,
    ],
    [
      'stays known behind a copy that the source shows and before one that it has lost: on top of that one it would drive it out',
      touched,
      {
        ...{ ...before, known: [dealtWith] },
        current: [sourcePoint('2026-11-20', null, { fingerprint: files('2026-11-20') }), touched],
      },
      KNOWN,
    ],
    [
      'is known as the same copy of a chain of Longhaul, whatever was merged there',
      at21({ copyId: 'one', fingerprint: files('merged') }),
      { ...behind, known: [{ ...dealtWith, copyId: 'one' }] },
      KNOWN,
    ],
    [
      'is told of as another copy of a chain of Longhaul',
      at21({ copyId: 'two' }),
      { ...before, known: [{ ...dealtWith, copyId: 'one' }] },
      CHANGED,
    ],
  ])('%s', (_, point, input, expected) => {
    const identified = identifySourcePoints({
      ...{ sourceRepositoryId: 'primary', copied: [], known: [], current: [point], epoch: 4 },
      ...input,
    });
    expect(identified.find(({ id }) => id === point.id)!.identity).toEqual(expected);
  });
});
