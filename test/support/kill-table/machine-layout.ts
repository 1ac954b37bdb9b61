import type { FormatId, SourceDisk } from '../../../src/domain/sources/source-workload.js';
import { ALL_ALLOWED } from '../../../src/domain/sources/workload-rules.js';
import { imageFormat } from '../../../src/image/formats.js';
import type { ParentLink } from '../../../src/image/disk-image.js';
import type { BackupLayout } from '../../../src/layout/backup-layout.js';
import type { FolderFacts } from '../../../src/layout/file-facts.js';
import { readImageHead } from '../../../src/layout/images/image-head.js';
import { BACKUP_LAYOUTS } from '../../../src/layout/layouts.js';
import { pointEvidence } from '../../../src/layout/point-evidence.js';
import { settleChains, type DraftPoint } from '../../../src/layout/images/settle-chains.js';
import type { RepositoryEntry } from '../../../src/repository/backup-repository.js';

/** Restore points of files `<day>.<point>.<disk>.<ending>`, all of one format: those of one machine in one folder. What a file builds on is told by the ids
 *  within, and by the name where there are none. */
function machineLayout(format: FormatId): BackupLayout {
  const name = new RegExp(
    `^(?<day>\\d+)\\.(?<point>[0-9a-f-]{36})\\.(?<disk>[0-9a-f-]{36})\\.${imageFormat(format).extension}$`,
  );
  return {
    restoredWith: 'its own tool',
    name: `machine-${format}`,
    type: { id: `machine-${format}`, title: 'Machines', rules: ALL_ALLOWED },
    claim: ({ files }) => (files.some((file) => name.test(file)) ? { files } : null),
    scan: async (facts, { folder, files }) => {
      const images: Image[] = [];
      for (const entry of files) {
        const { day = '', point = '', disk = '' } = name.exec(entry.name)?.groups ?? {};
        if (disk === '') continue;
        images.push({ ...(await headOf(facts, entry, format)), entry, day, point, disk });
      }
      const companions = files.filter((entry) => !name.test(entry.name));
      const ids = [...new Set(images.map(({ point }) => point))];
      const drafts = ids.map((id): DraftPoint => {
        const own = images.filter(({ point }) => point === id);
        const disks = own.map((image) => diskOf(image, images, format));
        return {
          ...{ id, workloadId: `machine:${folder}` },
          createdAtMs: Date.UTC(2026, 10, Number(own[0]!.day), 1),
          kind: disks.every(({ kind }) => kind === 'full') ? 'full' : 'increment',
          parentId: disks.find(({ kind }) => kind !== 'full')?.parentRestorePointId ?? null,
          disks: disks.sort((a, b) => (a.disk < b.disk ? -1 : 1)),
          companions: companions.map(({ path }) => ({ path })),
          faults: [],
          evidence: pointEvidence(
            own.map(({ entry }) => entry),
            'silent',
          ),
        };
      });
      const restorePoints = settleChains(drafts);
      return [{ id: `machine:${folder}`, name: folder, restorePoints }];
    },
  };
}

interface Image {
  readonly entry: RepositoryEntry;
  readonly day: string;
  readonly point: string;
  readonly disk: string;
  readonly linkId: string | null;
  readonly parent: ParentLink | null;
}

async function headOf(facts: FolderFacts, entry: RepositoryEntry, format: FormatId) {
  const head = await readImageHead(facts, entry, format);
  if ('fault' in head) throw new Error(head.fault.reason);
  return head.value;
}

function diskOf(
  { entry: { path, stamp }, disk, parent }: Image,
  images: readonly Image[],
  format: FormatId,
): SourceDisk {
  const isNamed = (image: Image) =>
    [parent?.linkId, parent?.otherLinkId].includes(image.linkId ?? '') ||
    (image.linkId === null && image.entry.name === parent?.name);
  const isParent = (image: Image) => image.disk === disk && isNamed(image);
  const below = parent === null ? null : (images.find(isParent)?.point ?? 'gone');
  const kind = parent === null ? 'full' : 'increment';
  return { path, stamp, format, disk, kind, parentRestorePointId: below };
}

/** A row in the list is all that the product has to know. @returns what takes it out again */
export function makeMachinesKnown(format: FormatId): () => void {
  const rows = BACKUP_LAYOUTS as BackupLayout[];
  const row = machineLayout(format);
  rows.unshift(row);
  return () => void rows.splice(rows.indexOf(row), 1);
}
