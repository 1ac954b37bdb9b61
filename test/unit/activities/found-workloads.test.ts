import { describe, expect, it } from 'vitest';
import { foundWorkloads } from '../../../activities/found-workloads.js';
import type { SourceWorkload } from '../../../src/domain/restore-point.js';

/** Limit of a payload. Source: Temporal, blobSizeLimitError. */
const PAYLOAD_BYTES = 2 * 1024 * 1024;

function workload(id: string, folders: readonly string[]): SourceWorkload {
  return { id, name: id, type: 'libvirt-kvm', folders, restorePoints: [] };
}

describe('foundWorkloads', () => {
  it('names the folders of each workload, and nothing of its restore points', () => {
    const found = foundWorkloads([workload('a', ['x']), workload('b', ['', 'y/z'])]);
    expect(found).toEqual([
      { id: 'a', name: 'a', type: 'libvirt-kvm', folders: ['x'] },
      { id: 'b', name: 'b', type: 'libvirt-kvm', folders: ['', 'y/z'] },
    ]);
  });

  it('leaves out the folders of a workload that lies in hundreds of them, and keeps those of the others', () => {
    const many = Array.from({ length: 365 }, (_, day) => `backups/of/every/day/${day}`);
    const found = foundWorkloads([workload('daily', many), workload('other', ['x'])]);
    expect(found).toEqual([
      { id: 'daily', name: 'daily', type: 'libvirt-kvm' },
      { id: 'other', name: 'other', type: 'libvirt-kvm', folders: ['x'] },
    ]);
  });

  it('stays below the limit of a payload with thousands of workloads on long paths', () => {
    const folders = Array.from({ length: 10 }, (_, n) => `${'目'.repeat(80)}/${n}`);
    const all = Array.from({ length: 5_000 }, (_, n) => workload(`machine-${n}`, folders));
    const found = foundWorkloads(all);
    expect(found).toHaveLength(5_000);
    expect(found[0]?.folders).toEqual(folders);
    expect(Buffer.byteLength(JSON.stringify(found))).toBeLessThan(PAYLOAD_BYTES);
  });
});
