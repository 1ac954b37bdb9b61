import type {
  FormatId,
  RestorePointKind,
  SourceDisk,
} from '../../domain/sources/source-workload.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
import type {
  BackupLayout,
  Claim,
  ClaimedFiles,
  FolderNames,
  ClaimedWorkload,
} from '../backup-layout.js';
import type { FolderFacts } from '../file-facts.js';
import {
  readCheckpoint,
  firstDomain,
  readDomain,
  type LibvirtCheckpoint,
  type LibvirtDomain,
} from './libvirt-checkpoint.js';
import { leftOut } from './left-out.js';
import { LIBVIRT_TYPE } from './libvirt-default-names.js';
import { pointEvidence } from '../point-evidence.js';
import { broken, incomplete, type Finding, type PointFault } from '../point-fault.js';
import { readImageHead } from '../images/image-head.js';
import { loneIds } from '../images/single-file.js';
import { settleChains, type DraftPoint } from '../images/settle-chains.js';
import { rawFault } from '../images/whole-image.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';
import { DAY_MS } from '../../domain/elapsed.js';

/** Push backups of libvirt (`virsh backup-begin`). libvirt gives the files no names; these are the names that Longhaul understands:
 *
 *  - one folder per domain, anywhere in the repository, the root included;
 *  - `<disk>.<checkpoint>.qcow2`, or `.raw` for a full: the target file of one disk (`<target dev>`, such as `vda`);
 *  - `domain.<checkpoint>.xml`: output of `virsh dumpxml` (optional);
 *  - `checkpoint.<checkpoint>.xml`: output of `virsh checkpoint-dumpxml`, put there **last**, when the backup has ended. Until then the point is
 *    incomplete: a running backup looks like a finished one, because QEMU writes the header first. A disk that is newer than it was written or
 *    brought here afterwards, so the record does not speak for it.
 *
 *  A workload is a domain, known by its UUID; its folder names it where no XML shows a UUID. A restore point is a checkpoint, id
 *  `<checkpoint>-<creationTime>`, because names such as `cp1` come again in a new chain. It is dated by creationTime (whole seconds), and
 *  as long as it has no checkpoint XML by the newest mtime of its files. A file without a backing name is a full. The backing name of an
 *  increment is the path of the *live* disk and says nothing: the parent is the checkpoint that `<parent>` names, in the same folder, made no
 *  later (unless its date contradicts its files: `hasClockAhead`).
 *  Source: libvirt formatcheckpoint.html, formatbackup.html; measured with libvirt 9.0 (test/fixtures/make-libvirt-push.sh). */
export const libvirtPushLayout: BackupLayout = {
  name: 'libvirt-push',
  restoredWith: '`qemu-img convert -O qcow2 vda.qcow2 web01.qcow2`',
  type: LIBVIRT_TYPE,
  claim,
  scan,
};

/** Disk names as libvirt knows them (virDiskNameToIndex, and those of its NVMe bus), so that `debian.12.qcow2` is not taken for a backup. */
const IMAGE_NAME =
  /^(?<disk>(?:fd|hd|sd|vd|xvd|ubd)[a-z]+|nvme\d+n\d+)\.(?<checkpoint>.+)\.(?<format>qcow2|raw)$/i;
const XML_NAME = /^(?<document>checkpoint|domain)\.(?<checkpoint>.+)\.xml$/i;

interface CheckpointFiles {
  readonly name: string;
  /** Disks in lower case, as libvirt calls them. */
  readonly images: { disk: string; format: FormatId; entry: RepositoryEntry }[];
  checkpoint: RepositoryEntry | null;
  domain: RepositoryEntry | null;
}

interface ReadPoint {
  readonly id: string;
  readonly createdAtMs: number;
  readonly files: CheckpointFiles;
  /** null while there is no checkpoint XML that can be used. */
  readonly known: LibvirtCheckpoint | null;
  readonly domain: LibvirtDomain | null;
  /** Sorted by disk; without those that cannot be used. */
  readonly disks: readonly Omit<SourceDisk, 'parentRestorePointId'>[];
  readonly faults: readonly PointFault[];
}

/** Images alone may be of any tool. */
function claim({ files }: FolderNames): Claim | null {
  const images = files.filter((name) => IMAGE_NAME.test(name));
  const documents = files.filter((name) => XML_NAME.test(name));
  if (images.length === 0 || documents.length === 0) return null;
  return { files: [...images, ...documents] };
}

async function scan(
  facts: FolderFacts,
  { folder, files }: ClaimedFiles,
): Promise<ClaimedWorkload[]> {
  const checkpoints = groupByCheckpoint(files);
  const points: ReadPoint[] = [];
  for (const checkpoint of checkpoints) points.push(await readPoint(facts, checkpoint));
  const workloads: ClaimedWorkload[] = [];
  for (const [id, { name, members }] of groupByDomain(points, folder)) {
    const otherIds = members.flatMap((point) => formerIds(folder, point.files));
    const drafts: DraftPoint[] = [];
    for (const point of members)
      drafts.push({
        ...draftPoint(point, id, members),
        ...(await leftOut(facts, point, members)),
      });
    workloads.push({
      ...{ id, name },
      ...(otherIds.length === 0 ? {} : { otherIds }),
      restorePoints: settleChains(drafts),
    });
  }
  return workloads;
}

/** Of files in capitals, and of disks of an NVMe bus, which were images that lay alone. */
function formerIds(folder: string, { images }: CheckpointFiles): string[] {
  return images.flatMap(({ disk, format, entry: { name } }) =>
    name.startsWith(disk) && name.endsWith(format) && !disk.startsWith('nvme')
      ? []
      : loneIds(format === 'raw' ? 'raw' : 'disk', folder, name),
  );
}

function groupByCheckpoint(files: readonly RepositoryEntry[]): CheckpointFiles[] {
  const groups = new Map<string, CheckpointFiles>();
  const group = (name = ''): CheckpointFiles => {
    const found = groups.get(name) ?? { name, images: [], checkpoint: null, domain: null };
    groups.set(name, found);
    return found;
  };
  for (const entry of files) {
    const image = IMAGE_NAME.exec(entry.name)?.groups;
    const xml = XML_NAME.exec(entry.name)?.groups;
    if (image !== undefined) {
      const format = image.format?.toLowerCase() === 'raw' ? 'raw' : 'qcow2';
      const disk = (image.disk ?? '').toLowerCase();
      group(image.checkpoint).images.push({ disk, format, entry });
    } else if (xml?.document?.toLowerCase() === 'checkpoint')
      group(xml.checkpoint).checkpoint = entry;
    else if (xml !== undefined) group(xml.checkpoint).domain = entry;
  }
  return [...groups.values()];
}

async function readPoint(facts: FolderFacts, files: CheckpointFiles): Promise<ReadPoint> {
  const checkpoint =
    files.checkpoint === null
      ? incomplete(`checkpoint.${files.name}.xml is not there yet`)
      : await readCheckpoint(facts, files.checkpoint, files.name);
  const known = 'value' in checkpoint ? checkpoint.value : null;
  const named = known?.domain ?? null;
  const { domain, faults: unread } =
    named !== null || files.domain === null
      ? { domain: named, faults: [] }
      : await readDomain(facts, files.domain);
  const { disks, faults } = await readDisks(facts, files);
  return {
    // A medium may show names in capitals.
    id: `${known?.name ?? files.name}-${known === null ? 'unfinished' : known.createdAtMs / 1000}`,
    createdAtMs: known?.createdAtMs ?? newestChangeMs(files),
    files,
    known,
    domain,
    disks,
    faults: [...('fault' in checkpoint ? [checkpoint.fault] : []), ...unread, ...faults],
  };
}

async function readDisks(
  facts: FolderFacts,
  { images }: CheckpointFiles,
): Promise<Pick<ReadPoint, 'disks' | 'faults'>> {
  const disks = new Map<string, ReadPoint['disks'][number]>();
  const faults: PointFault[] = [];
  for (const { disk, format, entry } of images) {
    if (disks.has(disk)) faults.push(broken(`disk ${disk} has two files`).fault);
    const kind = await readKind(facts, format, entry);
    if ('fault' in kind) faults.push(kind.fault);
    else disks.set(disk, { disk, path: entry.path, format, kind: kind.value, stamp: entry.stamp });
  }
  const sorted = [...disks.values()].sort((a, b) => (a.disk < b.disk ? -1 : 1));
  return { disks: sorted, faults };
}

async function readKind(
  facts: FolderFacts,
  format: FormatId,
  entry: RepositoryEntry,
): Promise<Finding<RestorePointKind>> {
  if (entry.stamp.sizeBytes === 0) return incomplete(`${entry.path} is empty`);
  if (format === 'raw') {
    const fault = rawFault(entry);
    return fault === null ? { value: 'full' } : { fault };
  }
  const head = await readImageHead(facts, entry, format);
  return 'fault' in head ? head : { value: head.value.parent === null ? 'full' : 'increment' };
}

function newestChangeMs({ images, checkpoint, domain }: CheckpointFiles): number {
  const entries = [...images.map(({ entry }) => entry), checkpoint, domain];
  return Math.max(
    ...entries.map((entry) => Number(BigInt(entry?.stamp.modifiedAtNs ?? 0) / 1_000_000n)),
  );
}

/** Points by workload id. Points that show no domain (their XML is still to come) belong to the domain of the newest point that does. */
function groupByDomain(
  points: readonly ReadPoint[],
  folder: string,
): Map<string, { name: string; members: ReadPoint[] }> {
  const newestFirst = [...points].sort((a, b) => b.createdAtMs - a.createdAtMs);
  const newest = firstDomain(newestFirst);
  const groups = new Map<string, { name: string; members: ReadPoint[] }>();
  for (const point of newestFirst) {
    const domain = point.domain ?? newest;
    const id = domain === null ? folderWorkloadId('libvirt', folder) : `libvirt-${domain.uuid}`;
    const name = domain?.name ?? folderName('libvirt', folder);
    const group = groups.get(id) ?? { name, members: [] };
    group.members.push(point);
    groups.set(id, group);
  }
  return groups;
}

function draftPoint(
  point: ReadPoint,
  workloadId: string,
  siblings: readonly ReadPoint[],
): DraftPoint {
  const { files, known, id, createdAtMs } = point;
  const faults = [...point.faults];
  for (const disk of known?.disks ?? [])
    if (!files.images.some((image) => image.disk === disk))
      faults.push(broken(`the file of disk ${disk} is missing`).fault);

  const isFull = point.disks.every(({ kind }) => kind === 'full');
  const parent = siblings.find(
    ({ files, known: other }) => (other?.name ?? files.name) === known?.parentName,
  );
  const parentId = isFull || known === null ? null : idOfParent(known, parent);
  if (!isFull && known !== null && parentId === null)
    faults.push(broken(`it is an increment, but checkpoint ${files.name} names no parent`).fault);
  if (!isFull && parent?.known && parent.createdAtMs > createdAtMs && !hasClockAhead(parent))
    faults.push(
      broken(`its parent ${parent.id} was made later: the chain in this folder was made anew`)
        .fault,
    );
  return {
    id,
    workloadId,
    createdAtMs,
    kind: isFull ? 'full' : 'increment',
    parentId,
    disks: point.disks.map((disk) => ({
      ...disk,
      parentRestorePointId: disk.kind === 'full' ? null : parentId,
    })),
    companions: [files.checkpoint, files.domain].flatMap((entry) =>
      entry === null ? [] : [{ path: entry.path }],
    ),
    faults,
    evidence: pointEvidence(
      files.images.map(({ entry }) => entry),
      // Without a creation time it closes nothing.
      known === null ? null : files.checkpoint,
    ),
  };
}

/** A checkpoint that is dated long after its own files were last written: the clock of the machine that made it was wrong, and its date says
 *  nothing about what was made after it. */
function hasClockAhead({ createdAtMs, files }: ReadPoint): boolean {
  return createdAtMs > newestChangeMs(files) + CLOCK_TOLERANCE_MS;
}

/** Clocks of a hypervisor and of the storage that it writes to, with time zones confused. */
const CLOCK_TOLERANCE_MS = DAY_MS;

/** `<name>-?` when the parent is not in the folder: its creationTime is not known then. */
function idOfParent(
  { parentName }: LibvirtCheckpoint,
  parent: ReadPoint | undefined,
): string | null {
  return parent?.id ?? (parentName === null ? null : `${parentName}-?`);
}
