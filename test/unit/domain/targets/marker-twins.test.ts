import { expect, it } from 'vitest';
import { withTwins } from '../../../../src/domain/targets/marker-twins.js';
import { UNREACHABLE } from '../../../../src/domain/targets/repository-view.js';

const MARKER = '6f1c5e0a-6f0e-4c55-9a43-6d0a4f0e7b21';
const OTHER_MARKER = '0b1d2c3e-6f0e-4c55-9a43-6d0a4f0e7b21';

function described(markerId: string | null, role: 'target' | 'source' = 'target') {
  const storage = {
    ...{ probedAt: '2026-11-27T00:00:00Z', abilities: null },
    ...{ faults: [], warnings: ['Files are not sparse.'] },
  };
  return {
    ...UNREACHABLE,
    ...{ reachable: true, reason: null, markerId, storage: role === 'target' ? storage : null },
  };
}

it('warns of each other target that has the same marker, once', () => {
  const others = [
    ['offsite', described(MARKER)],
    ['second', described(MARKER)],
    ['third', described(OTHER_MARKER)],
    ['new', described(null)],
    ['primary', described(MARKER, 'source')],
  ] as const;
  const once = withTwins('offsite', described(MARKER), others);
  expect(once.storage?.warnings).toEqual([
    'Files are not sparse.',
    'It has the marker of target second, too: it is the same storage under another path, or a copy of it. A copy that is to be a target of its own gets a marker of its own: `longhaul repository accept offsite`.',
  ]);
  expect(withTwins('offsite', once, others)).toEqual(once);
});

it('says nothing of targets without a marker', () => {
  const none = described(null);
  expect(withTwins('offsite', none, [['second', described(null)]])).toBe(none);
});
