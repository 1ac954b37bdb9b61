import type { SourceRestorePoint } from '../../domain/sources/source-workload.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
import type { FolderFacts } from '../file-facts.js';
import { definedDevices, type DefinedDevice } from './defined-disks.js';
import type { LibvirtCheckpoint } from './libvirt-checkpoint.js';

/** What is looked at of a point of a push backup. */
interface AskedPoint {
  readonly createdAtMs: number;
  readonly files: {
    readonly name: string;
    readonly images: readonly { readonly disk: string }[];
    readonly checkpoint: RepositoryEntry | null;
    readonly domain: RepositoryEntry | null;
  };
  readonly known: LibvirtCheckpoint | null;
}

/** Which disks of the machine a backup was not asked for. The XML of the backup, which is not kept, names disks with `backup='no'`, and the checkpoint those with
 *  `checkpoint='no'`, which says nothing of drives and of raw disks: these can be backed up all the same. A disk that the checkpoint tracks and that has no file is
 *  missing, not left out.
 *
 *  Without a definition (`checkpoint-dumpxml --no-domain`) what the checkpoint does not track is what the nearest other point that knows it has it for: a disk where that
 *  has an image of it or tracks it, else what its definition says. What is called as floppies are is a drive. Of others nothing tells.
 *  @param all points of the machine */
export async function leftOut(
  facts: FolderFacts,
  point: AskedPoint,
  all: readonly AskedPoint[],
): Promise<Pick<SourceRestorePoint, 'leftOut' | 'isLeftOutUnsure'>> {
  const { files, known } = point;
  if (known === null) return {};
  const there = new Set([...known.disks, ...files.images.map(({ disk }) => disk)]);
  const own = await definedDevices(facts, definitionOf(point));
  const sure: string[] = [];
  const unsure: string[] = [];
  for (const disk of own.length === 0 ? known.untracked : own.map((device) => device.disk)) {
    if (there.has(disk)) continue;
    const isDisk = isDiskIn(own, disk) ?? (await isDiskElsewhere(facts, disk, { point, all }));
    if (isDisk !== false) (isDisk === null ? unsure : sure).push(disk);
  }
  const texts = [
    ...(sure.length === 0 ? [] : [`the backup has left out ${disksText(sure)}`]),
    ...(unsure.length === 0 ? [] : [unsureText(unsure, files)]),
  ];
  if (texts.length === 0) return {};
  return { leftOut: texts.join('; '), ...(sure.length === 0 ? { isLeftOutUnsure: true } : {}) };
}

/** null: the point shows none. */
function definitionOf({ known, files }: AskedPoint): RepositoryEntry | null {
  return known !== null && known.domain !== null ? files.checkpoint : files.domain;
}

/** null: it is not among them. */
function isDiskIn(devices: readonly DefinedDevice[], disk: string): boolean | null {
  const device = devices.find((defined) => defined.disk === disk);
  return device === undefined ? null : !device.isDrive;
}

/** null: nothing tells. */
async function isDiskElsewhere(
  facts: FolderFacts,
  disk: string,
  { point, all }: { readonly point: AskedPoint; readonly all: readonly AskedPoint[] },
): Promise<boolean | null> {
  if (disk.startsWith('fd')) return false;
  const holds = ({ files, known }: AskedPoint): boolean =>
    files.images.some((image) => image.disk === disk) || known?.disks.includes(disk) === true;
  const distanceMs = ({ createdAtMs }: AskedPoint): number =>
    Math.abs(createdAtMs - point.createdAtMs);
  const others = all
    .filter((other) => other !== point && (holds(other) || definitionOf(other) !== null))
    .sort((a, b) => distanceMs(a) - distanceMs(b));
  for (const other of others) {
    if (holds(other)) return true;
    const isDisk = isDiskIn(await definedDevices(facts, definitionOf(other)), disk);
    if (isDisk !== null) return isDisk;
  }
  return null;
}

function unsureText(disks: readonly string[], { name, domain }: AskedPoint['files']): string {
  const why =
    domain === null
      ? `without domain.${name}.xml nothing tells disks from drives`
      : `domain.${name}.xml lists no disks, so nothing tells them from drives`;
  return `the backup may have left out ${disksText(disks)}: ${why}`;
}

function disksText(disks: readonly string[]): string {
  return `the disk${disks.length === 1 ? '' : 's'} ${disks.join(', ')}`;
}
