import type { SourceDisk, SourceImage } from '../../../src/domain/sources/source-workload.js';
import { ALL_ALLOWED } from '../../../src/domain/sources/workload-rules.js';
import type { BackupLayout } from '../../../src/layout/backup-layout.js';
import type { FolderFacts } from '../../../src/layout/file-facts.js';
import { readImageHead } from '../../../src/layout/images/image-head.js';
import { pointEvidence } from '../../../src/layout/point-evidence.js';
import { settleChains, type DraftPoint } from '../../../src/layout/images/settle-chains.js';
import type { RepositoryEntry } from '../../../src/repository/backup-repository.js';
import { extentName } from './slab-format.js';

/** Restore points of files `<day>.<point>.<disk>.slab`: those of one machine in one folder. `<day>.<point>.<disk>.1.slab` lies below the one
 *  without a number. The blocks of each are in the file `.slots` beside it. */
export const slabLayout: BackupLayout = {
  restoredWith: 'its own tool',
  name: 'slab',
  type: { id: 'slab-machine', title: 'Machines in slabs', rules: ALL_ALLOWED },
  claim: ({ files }) => (files.some((name) => NAME.test(name)) ? { files } : null),
  scan: async (facts, { folder, files }) => {
    const tops = files.filter(({ name }) => NAME.exec(name)?.groups?.level === '');
    if (tops.length === 0) return [];
    const drafts = new Map<string, DraftPoint>();
    for (const top of tops) {
      const { point: id = '', day } = NAME.exec(top.name)!.groups!;
      const own = files.filter(({ name }) => name.startsWith(`${day}.${id}.`));
      const disk = await diskOf(facts, top, own);
      const parentId = disk.parentRestorePointId;
      const disks = [...(drafts.get(id)?.disks ?? []), disk];
      drafts.set(id, {
        id,
        workloadId: `slab:${folder}`,
        createdAtMs: Date.UTC(2026, 10, Number(day), 1),
        kind: disks.every(({ kind }) => kind === 'full') ? 'full' : 'increment',
        parentId: drafts.get(id)?.parentId ?? parentId,
        disks,
        companions: files.filter(({ name }) => !OWN.test(name)).map(({ path }) => ({ path })),
        faults: [],
        evidence: pointEvidence(own, 'silent'),
      });
    }
    const restorePoints = settleChains([...drafts.values()]);
    return [{ id: `slab:${folder}`, name: folder, restorePoints }];
  },
};

/** Of the image that lies below another of the same disk and point. */
export function belowName(name: string): string {
  return name.replace(/\.slab$/, '.1.slab');
}

async function diskOf(
  facts: FolderFacts,
  top: RepositoryEntry,
  own: readonly RepositoryEntry[],
): Promise<SourceDisk> {
  const below = own.filter(({ name }) => name === belowName(top.name));
  const images: SourceImage[] = [];
  let parent: string | null = null;
  for (const entry of [top, ...below]) {
    const beside = own.filter(({ name }) => name === extentName(entry.name));
    const head = await readImageHead(facts, entry, 'slab', beside);
    if ('fault' in head) throw new Error(head.fault.reason);
    const { path, stamp } = entry;
    images.push({ path, format: 'slab', stamp, extents: head.value.extents });
    parent = head.value.parent?.name ?? null;
  }
  const { disk = '' } = NAME.exec(top.name)!.groups!;
  return {
    ...images[0]!,
    below: images.slice(1),
    disk,
    kind: parent === null ? 'full' : 'increment',
    parentRestorePointId: parent && NAME.exec(parent)!.groups!.point!,
  };
}

const NAME =
  /^(?<day>\d+)\.(?<point>[0-9a-f-]{36})\.(?<disk>[0-9a-f-]{36})(?<level>(?:\.1)?)\.slab$/;
const OWN = /\.(?:slab|slots)$/;
