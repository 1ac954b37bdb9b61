import type { SourceDisk } from '../../../src/domain/restore-point.js';
import { ALL_ALLOWED } from '../../../src/domain/workload-rules.js';
import type { BackupLayout } from '../../../src/layout/backup-layout.js';
import { readImageHead } from '../../../src/layout/image-head.js';
import { pointEvidence } from '../../../src/layout/point-evidence.js';
import { settleChains, type DraftPoint } from '../../../src/layout/settle-chains.js';
import type { RepositoryEntry } from '../../../src/repository/backup-repository.js';

/** Restore points of files `<day>.<point>.<disk>.slab`: those of one machine in one folder. */
export const slabLayout: BackupLayout = {
  name: 'slab',
  type: { id: 'slab-machine', title: 'Machines in slabs', rules: ALL_ALLOWED },
  claim: ({ files }) => (files.some((name) => NAME.test(name)) ? { files } : null),
  scan: async (repository, { folder, files }) => {
    const points = new Map<string, RepositoryEntry[]>();
    for (const entry of files) {
      const id = NAME.exec(entry.name)?.groups?.point;
      if (id !== undefined) points.set(id, [...(points.get(id) ?? []), entry]);
    }
    if (points.size === 0) return [];
    const drafts: DraftPoint[] = [];
    for (const [id, entries] of points) {
      const disks: SourceDisk[] = [];
      for (const entry of entries) {
        const head = await readImageHead(repository, entry, 'slab');
        if ('fault' in head) throw new Error(head.fault.reason);
        const parent = head.value.parent && NAME.exec(head.value.parent.name)!.groups!.point!;
        const { disk = '' } = NAME.exec(entry.name)!.groups!;
        const kind = parent === null ? 'full' : 'increment';
        const { path, stamp } = entry;
        disks.push({ disk, path, format: 'slab', kind, parentRestorePointId: parent, stamp });
      }
      const parentId = disks.map((disk) => disk.parentRestorePointId).find((p) => p !== null);
      const day = Number(NAME.exec(entries[0]!.name)!.groups!.day);
      drafts.push({
        id,
        workloadId: `slab:${folder}`,
        createdAtMs: Date.UTC(2026, 10, day, 1),
        kind: parentId === undefined ? 'full' : 'increment',
        parentId: parentId ?? null,
        disks,
        companions: files.filter(({ name }) => !NAME.test(name)).map(({ path }) => ({ path })),
        faults: [],
        evidence: pointEvidence(entries, 'silent'),
      });
    }
    return [
      {
        id: `slab:${folder}`,
        name: folder,
        restorePoints: settleChains(drafts),
      },
    ];
  },
};

const NAME = /^(?<day>\d+)\.(?<point>[0-9a-f-]{36})\.(?<disk>[0-9a-f-]{36})\.slab$/;
