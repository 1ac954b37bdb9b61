import { describe, expect, it } from 'vitest';
import { pointEvidence } from '../../../src/layout/point-evidence.js';
import type { RepositoryEntry } from '../../../src/repository/backup-repository.js';

/** Times in milliseconds. */
function file(name: string, modifiedAtMs: number, changedAtMs = modifiedAtMs): RepositoryEntry {
  const ns = (ms: number): string => `${String(ms)}000000`;
  const stamp = {
    sizeBytes: 5,
    modifiedAtNs: ns(modifiedAtMs),
    changedAtNs: ns(changedAtMs),
    inode: '7',
  };
  return { name, path: name, type: 'file', stamp };
}

describe('pointEvidence', () => {
  it('shows the newest of all times, whichever file and whichever time it is', () => {
    expect(pointEvidence([file('a', 10, 40), file('b', 30, 20)], 'silent').changedAtMs).toBe(40);
    expect(pointEvidence([file('a', 10)], file('record', 50)).changedAtMs).toBe(50);
  });

  it.each([
    ['has no tool that says so', 'silent', 'silent'],
    ['has no closing record yet', null, 'awaited'],
    ['has a closing record as new as its newest file', file('record', 40), 'closed'],
    ['has a file that came after its closing record', file('record', 39), 'silent'],
  ] as const)('of a point that %s', (_, record, closing) => {
    expect(pointEvidence([file('a', 10, 40), file('b', 30)], record).closing).toBe(closing);
  });

  it('has other files after any change of a name, a size or a time, and the same in any order', () => {
    const texts = (...files: RepositoryEntry[]) => pointEvidence(files, 'silent').files;
    const [a, b] = [file('a', 1, 2), file('b', 3, 4)];
    expect(texts(b, a)).toBe(texts(a, b));
    const others = [
      [a],
      [a, file('c', 3, 4)],
      [a, file('b', 3, 5)],
      [a, file('b', 5, 4)],
      [a, { ...b, stamp: { ...b.stamp, sizeBytes: 6 } }],
    ];
    for (const other of others) expect(texts(...other)).not.toBe(texts(a, b));
  });
});
