import type { FormatId, SourceDisk, SourceImage } from '../../domain/sources/source-workload.js';
import type { ImageHead } from '../../image/disk-image.js';
import type { ClaimedFile } from '../backup-layout.js';
import type { FolderFacts } from '../file-facts.js';
import { diskFormat, diskName, sameName } from './names.js';
import { readImageHead } from '../images/image-head.js';
import { doubtOf, ID_TELLS_CONTENT } from '../images/linked-images.js';
import { openFault } from '../images/whole-image.js';
import { broken, type PointFault } from '../point-fault.js';

interface DiskFile {
  readonly entry: ClaimedFile;
  readonly format: FormatId;
  readonly head: ImageHead;
}

/** Disks of one export, each by the file that nothing builds on, with the files below it. */
interface ExportedDisks {
  readonly disks: readonly SourceDisk[];
  readonly faults: readonly PointFault[];
  /** Why they may show what never was. null: nothing says so. */
  readonly doubt: string | null;
}

/** @param files the disks of one export: the parents of its checkpoints lie among them, or are missing */
export async function exportedDisks(
  facts: FolderFacts,
  files: readonly ClaimedFile[],
): Promise<ExportedDisks> {
  const found: DiskFile[] = [];
  const faults: PointFault[] = [];
  for (const entry of files) {
    const file = await readDiskFile(facts, entry);
    if ('fault' in file) {
      faults.push(file.fault);
      continue;
    }
    found.push(file);
  }
  const parents = new Map<DiskFile, DiskFile>();
  for (const file of found) {
    const parent = parentOf(file, found);
    if (parent === null) continue;
    if ('fault' in parent) faults.push(parent.fault);
    else parents.set(file, parent);
  }
  const built = new Set(parents.values());
  for (const file of found) {
    const open = openFault(file.entry, file.head, built.has(file));
    if (open !== null) faults.push(open);
  }
  const tops = found.filter((file) => !built.has(file));
  if (tops.length === 0 && found.length > 0)
    faults.push(broken('its disks build on each other in a circle').fault);
  const disks: SourceDisk[] = [];
  for (const top of tops) {
    const below = filesBelow(top, parents);
    const name = uniqueName(top, below, tops, parents);
    disks.push({
      ...{ disk: name, kind: 'full', parentRestorePointId: null, ...imageOf(top) },
      as: top.entry.within,
      ...(below.length === 0 ? {} : { below: below.map(imageOf) }),
    });
  }
  const doubts = [...parents].flatMap(([file, parent]) => doubtOf(file, parent) ?? []);
  return { disks, faults, doubt: doubts.length === 0 ? null : doubts.join('; ') };
}

async function readDiskFile(
  facts: FolderFacts,
  entry: ClaimedFile,
): Promise<DiskFile | { readonly fault: PointFault }> {
  const format = diskFormat(entry.name);
  if (format === null) throw new Error(`${entry.path} is no disk`);
  const head = await readImageHead(facts, entry, format);
  if ('fault' in head) return head;
  return { entry, format, head: head.value };
}

/** The link decides. Where the id of a disk stays in its copies whatever is written to them (VHD), the name has to fit, too. null: it builds on nothing. */
function parentOf(
  file: DiskFile,
  files: readonly DiskFile[],
): DiskFile | { readonly fault: PointFault } | null {
  const { entry, head } = file;
  if (head.parent === null) return null;
  const { name, linkId, otherLinkId } = head.parent;
  const base = name.split(/[\\/]/).at(-1) ?? '';
  const isNamed = (other: DiskFile): boolean => sameName(other.entry.name, base);
  const isLinked = (id: string | null): boolean => id === linkId || id === otherLinkId;
  const linked = files.filter((other) => other !== file && isLinked(other.head.linkId));
  const named = linked.filter(isNamed);
  if (ID_TELLS_CONTENT.has(file.format) && linked.length > 0) return named[0] ?? linked[0]!;
  const beside = named.filter((other) => folderOf(other) === folderOf(file));
  const [found, ...others] = beside.length > 0 ? beside : named;
  if (found !== undefined && others.length === 0) return found;
  if (found !== undefined)
    return broken(
      `${entry.path} builds on ${base}, and several files of that name have its id: ${named.map((other) => other.entry.path).join(', ')}`,
    );
  if (files.some(isNamed))
    return broken(
      `${entry.path} builds on an earlier content of ${base}: that was changed afterwards`,
    );
  const copies = linked.map((other) => other.entry.name).join(', ');
  return broken(
    `${base}, the parent of ${entry.path}, is missing${copies === '' ? '' : `; its id has ${copies}, which may be a copy of it with other content: give it that name if it is the one`}`,
  );
}

function folderOf({ entry }: DiskFile): string {
  return entry.path.slice(0, -entry.name.length);
}

function filesBelow(top: DiskFile, parents: ReadonlyMap<DiskFile, DiskFile>): DiskFile[] {
  const below: DiskFile[] = [];
  for (let file = parents.get(top); file !== undefined; file = parents.get(file)) {
    if (below.includes(file)) break; // a circle has no top
    below.push(file);
  }
  return below;
}

/** The name of the disk without those of its checkpoints: they are others in every export. Where several files show one disk (a machine that was
 *  set back to a checkpoint), each has its whole name. */
function uniqueName(
  top: DiskFile,
  below: readonly DiskFile[],
  tops: readonly DiskFile[],
  parents: ReadonlyMap<DiskFile, DiskFile>,
): string {
  const nameOf = (file: DiskFile, under: readonly DiskFile[]): string =>
    diskName((under.at(-1) ?? file).entry.name);
  const name = nameOf(top, below);
  const isAlone = tops.every(
    (other) => other === top || !sameName(nameOf(other, filesBelow(other, parents)), name),
  );
  return isAlone ? name : top.entry.within.replaceAll('/', ' ');
}

function imageOf({ entry, format }: DiskFile): SourceImage {
  return { path: entry.path, format, stamp: entry.stamp };
}
