import type { SourceCompanion, SourceDisk } from '../../../src/domain/sources/source-workload.js';
import { ALL_ALLOWED } from '../../../src/domain/sources/workload-rules.js';
import type { BackupLayout } from '../../../src/layout/backup-layout.js';
import { pointEvidence } from '../../../src/layout/point-evidence.js';
import { BACKUP_LAYOUTS } from '../../../src/layout/layouts.js';
import { settleChains, type DraftPoint } from '../../../src/layout/images/settle-chains.js';
import type { RepositoryEntry } from '../../../src/repository/backup-repository.js';

/** A tool that leaves opaque files: `<day>.<point>.<disk>.bundle` for each disk, and other files that belong to every point (`<name>`) or to one
 *  (`<point>@<name>`). It looks for them in a tree of its own: `Bundles/<disk>.ova` and `Settings/<name>`. */
const bundleLayout: BackupLayout = {
  restoredWith: 'its own tool',
  name: 'bundle',
  type: { id: 'bundle-machine', title: 'Machines in bundles', rules: ALL_ALLOWED },
  claim: ({ files }) => (files.some((name) => NAME.test(name)) ? { files } : null),
  scan: (_, { folder, files }) => {
    const points = new Map<string, RepositoryEntry[]>();
    for (const entry of files) {
      const id = NAME.exec(entry.name)?.groups?.point;
      if (id !== undefined) points.set(id, [...(points.get(id) ?? []), entry]);
    }
    const drafts = [...points].map(([id, entries]) => draftOf(folder, id, entries, files));
    const restorePoints = settleChains(drafts);
    return Promise.resolve([{ id: `bundle:${folder}`, name: folder, restorePoints }]);
  },
};

function draftOf(
  folder: string,
  id: string,
  entries: readonly RepositoryEntry[],
  files: readonly RepositoryEntry[],
): DraftPoint {
  const disks = entries.map(({ name, path, stamp }): SourceDisk => {
    const { disk = '' } = NAME.exec(name)!.groups!;
    const as = `Bundles/${disk}.ova`;
    return { disk, path, format: 'file', kind: 'full', parentRestorePointId: null, stamp, as };
  });
  const day = Number(NAME.exec(entries[0]!.name)!.groups!.day);
  return {
    id,
    workloadId: `bundle:${folder}`,
    createdAtMs: Date.UTC(2026, 10, day, 1),
    kind: 'full',
    parentId: null,
    disks: disks.sort((a, b) => (a.disk < b.disk ? -1 : 1)),
    companions: files.flatMap((entry) => companionOf(id, entry)),
    faults: [],
    evidence: pointEvidence(entries, 'silent'),
  };
}

function companionOf(pointId: string, { name, path }: RepositoryEntry): SourceCompanion[] {
  if (NAME.test(name)) return [];
  const [owner, own] = name.includes('@') ? name.split('@') : [pointId, name];
  return owner === pointId ? [{ path, as: `Settings/${own!}` }] : [];
}

const NAME = /^(?<day>\d+)\.(?<point>[0-9a-z-]+)\.(?<disk>[0-9a-z-]+)\.bundle$/;

/** A row in the list is all that the product has to know. @returns what takes it out again */
export function makeBundlesKnown(): () => void {
  const rows = BACKUP_LAYOUTS as BackupLayout[];
  rows.push(bundleLayout);
  return () => void rows.splice(rows.indexOf(bundleLayout), 1);
}
