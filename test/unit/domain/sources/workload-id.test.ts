import { describe, expect, it } from 'vitest';
import { restorePointKey } from '../../../../src/domain/targets/repository-view.js';
import { boundedWorkloadId } from '../../../../src/domain/sources/workload-id.js';

describe('boundedWorkloadId', () => {
  it('leaves an id of 255 characters as it is and bounds a longer one to that', () => {
    expect(boundedWorkloadId('x'.repeat(255))).toBe('x'.repeat(255));
    expect(boundedWorkloadId('x'.repeat(256))).toMatch(/^x{238}~[0-9a-f]{16}$/);
  });

  it('gives ids that differ at their ends alone different ones, the same each time', () => {
    const [a, b] = ['a', 'b'].map((end) => boundedWorkloadId('x'.repeat(300) + end));
    expect(a).not.toBe(b);
    expect(boundedWorkloadId(`${'x'.repeat(300)}a`)).toBe(a);
  });

  it('cuts no character in two', () => {
    // Half of a pair is no UTF-8, which is what becomes of it.
    const bounded = boundedWorkloadId(`x${'💾'.repeat(200)}`);
    expect(Buffer.from(bounded).toString()).toBe(bounded);
  });

  it.each(['%D0%B0', '/', ':', '磁', '💾'])(
    'leaves the id of a restore, the longest that it is part of, below the 1,000 bytes of Temporal for %s',
    (character) => {
      const workload = boundedWorkloadId(character.repeat(400));
      const key = restorePointKey(['j'.repeat(63), workload, '2026-11-24T220000Z.123-99']);
      const id = `restore/${'t'.repeat(63)}/${key}-20261126T230954679Z`;
      expect(Buffer.byteLength(id)).toBeLessThanOrEqual(1_000);
    },
  );
});
