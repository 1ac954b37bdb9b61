import { describe, expect, it } from 'vitest';
import { workloadPage } from '../../../../src/mover/look/found-workloads.js';
import type { SourceWorkload } from '../../../../src/domain/sources/source-workload.js';

/** Limit of a payload. Source: Temporal, blobSizeLimitError. */
const PAYLOAD_BYTES = 2 * 1024 * 1024;

function workload(id: string, folders: readonly string[]): SourceWorkload {
  return { id, name: id, type: 'libvirt-kvm', folders, restorePoints: [] };
}

describe('workloadPage', () => {
  it('names the folders of each workload in the order of ids, and nothing of its restore points', () => {
    const found = workloadPage([workload('b', ['', 'y/z']), workload('a', ['x'])], null);
    expect(found).toEqual({
      workloads: [
        { id: 'a', name: 'a', type: 'libvirt-kvm', folders: ['x'] },
        { id: 'b', name: 'b', type: 'libvirt-kvm', folders: ['', 'y/z'] },
      ],
      next: null,
    });
  });

  it('leaves out the folders of a workload that lies in hundreds of them, and keeps those of the others', () => {
    const many = Array.from({ length: 365 }, (_, day) => `backups/of/every/day/${day}`);
    const page = workloadPage([workload('daily', many), workload('other', ['x'])], null);
    expect(page.workloads).toEqual([
      { id: 'daily', name: 'daily', type: 'libvirt-kvm' },
      { id: 'other', name: 'other', type: 'libvirt-kvm', folders: ['x'] },
    ]);
  });

  it('names the other ids of a workload, of hundreds as many as 4,000 characters hold', () => {
    const ids = Array.from({ length: 365 }, (_, day) => `raw-daily-${100 + day}:web.img`);
    const [few, many] = [ids.slice(0, 3), ids].map(
      (otherIds) => workloadPage([{ ...workload('web', ['x']), otherIds }], null).workloads[0]!,
    );
    expect(few!.otherIds).toEqual(ids.slice(0, 3));
    // 21 characters each
    expect(many!.otherIds).toHaveLength(190);
  });

  it('gives thousands of workloads on long paths in pages below the limit of a payload, each once', () => {
    const folders = Array.from({ length: 10 }, (_, n) => `${'目'.repeat(80)}/${n}`);
    const all = Array.from({ length: 5_000 }, (_, n) => workload(`machine-${n}`, folders));
    const found: string[] = [];
    let after: string | null = null;
    do {
      const page = workloadPage(all, after);
      expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(PAYLOAD_BYTES);
      expect(page.workloads[0]?.folders).toEqual(folders);
      found.push(...page.workloads.map(({ id }) => id));
      after = page.next;
    } while (after !== null);
    expect(found).toHaveLength(5_000);
    expect(found).toEqual(all.map(({ id }) => id).sort());
  });
});
