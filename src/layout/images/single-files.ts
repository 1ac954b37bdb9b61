import type { FormatId, SourceDisk } from '../../domain/sources/source-workload.js';
import {
  claimFiles,
  type BackupLayout,
  type Claim,
  type ClaimedFile,
  type ClaimedFiles,
  type FolderNames,
  type ClaimedWorkload,
} from '../backup-layout.js';
import { imageBeside } from './beside-image.js';
import type { ParentLink } from '../../image/disk-image.js';
import type { FolderFacts } from '../file-facts.js';
import { fileStart } from '../file-start.js';
import { fullDisk, fullPoint } from './full-point.js';
import { fileNamed, readImageHead, type FoundHead } from './image-head.js';
import {
  baseNameIn,
  placesOfImages,
  stemsOfDisk,
  wasCalledPointOf,
  type ImagePlace,
  type LinkableImage,
} from './linked-images.js';
import type { Finding, PointFault } from '../point-fault.js';
import { settleChains, type DraftPoint } from './settle-chains.js';
import {
  calls,
  endingOf,
  filesIn,
  loneIds,
  type FormatByContent,
  type SingleFile,
  type SingleFiles,
} from './single-file.js';
import { isBug, isOfOnePlace } from '../unread-place.js';
import { faultOfHead, NO_WHOLE_DISK, rawFault, wholeImageFault } from './whole-image.js';

/** The layout of such a row. */
export function singleFilesLayout(row: SingleFiles): BackupLayout {
  return {
    name: row.name,
    type: row.type,
    restoredWith: row.restoredWith,
    makesFullsOnly: true,
    isNamedAlike: true,
    claim: (names) => claimOf(row, names),
    ...(row.leavesWhatIsOn === undefined
      ? {}
      : { confirm: (facts, claimed, claim) => withoutOthers(row, facts, claimed, claim) }),
    mayBeNobodys: (name) => row.isOther !== undefined || imageBeside(name) !== null,
    scan: (facts, claimed) => scan(row, facts, claimed),
  };
}

/** Its images, with what lies beside them under their names. */
function claimOf(row: SingleFiles, names: FolderNames): Claim | null {
  const { files } = names;
  const images = files.filter((name) => endingOf(row, name) !== null);
  const isImage = new Set(images);
  const known = new Set(images.flatMap((name) => calls(name, endingOf(row, name)!)));
  const isOwn = (name: string) => isImage.has(name) || known.has(imageBeside(name) ?? '');
  // Without an image that may build on it a disk of another layout is nothing to look at.
  const others = images.length === 0 ? undefined : row.leavesWhatIsOn?.disk;
  return claimFiles(names, (name) => isOwn(name) || others?.test(name) === true);
}

/** The claim without disks of the other layout, without images that build on them, be it through others, and without what lies beside either. */
async function withoutOthers(
  row: SingleFiles,
  facts: FolderFacts,
  { files }: ClaimedFiles,
  claim: Claim,
): Promise<Claim | null> {
  const { disk: others, format } = row.leavesWhatIsOn!;
  const disks = files.filter(({ name }) => others.test(name));
  if (disks.length === 0) return claim;
  const left = new Set(disks.map(({ name }) => name));
  const images = files.filter(({ name }) => endingOf(row, name) !== null);
  const bases = new Map<string, { readonly base: string; readonly isOther: boolean }>();
  for (const entry of images) {
    const parent = await parentOf(row, facts, entry);
    if (parent === null) continue;
    const base = fileNamed(files, baseNameIn(parent.name))?.name ?? '';
    bases.set(entry.name, { base, isOther: parent.format === format });
  }
  for (let before = -1; before !== left.size;) {
    before = left.size;
    for (const [name, { base, isOther }] of bases)
      if (left.has(base) && isOther === others.test(base)) left.add(name);
  }
  const ownImages = images.filter(({ name }) => !left.has(name));
  const known = new Set(ownImages.flatMap(({ name }) => calls(name, endingOf(row, name)!)));
  const own = claim.files.filter(
    (name) => !left.has(name) && (isImageOf(row, name) || known.has(imageBeside(name) ?? '')),
  );
  return own.length === 0 ? null : { files: own };
}

/** null: it builds on nothing that can be read. What of it makes the look fail is told by the scan: it keeps no disk beside it from its layout. */
async function parentOf(
  row: SingleFiles,
  facts: FolderFacts,
  entry: ClaimedFile,
): Promise<ParentLink | null> {
  try {
    const head = await readImageHead(facts, entry, row.formats[endingOf(row, entry.name)!]!);
    return 'value' in head ? head.value.parent : null;
  } catch (error) {
    if (!isOfOnePlace(error) && !isBug(error)) throw error;
    return null;
  }
}

function isImageOf(row: SingleFiles, name: string): boolean {
  return endingOf(row, name) !== null;
}

/** A file in the workload that it is of. */
interface Member {
  readonly file: SingleFile;
  readonly pointId: string;
  /** null: nothing builds on it, and it builds on nothing. */
  readonly place: ImagePlace<LinkedFile> | null;
  /** Absent: it was not read. */
  readonly head?: Finding<FoundHead> | undefined;
}

async function scan(
  row: SingleFiles,
  facts: FolderFacts,
  claimed: ClaimedFiles,
): Promise<ClaimedWorkload[]> {
  const files = await filesIn(row, facts, claimed);
  const heads = await headsOf(row, facts, files);
  const places = await placesOf(row, facts, heads);
  const workloads = new Map<string, Member[]>();
  for (const file of files) {
    const place = places.get(file) ?? null;
    const start = place?.start.file ?? file;
    const pointId = start.id === file.id ? file.pointId : file.entry.name;
    const members = workloads.get(start.id) ?? [];
    workloads.set(start.id, [...members, { file, pointId, place, head: heads.get(file) }]);
  }
  const found: ClaimedWorkload[] = [];
  for (const [id, all] of workloads) {
    const members = withOwnIds(all);
    const drafts: DraftPoint[] = [];
    for (const member of members) drafts.push(await draftPoint(row, facts, id, member, members));
    const named = members.find(({ file }) => file.id === id)!.file;
    const others = [
      ...members.flatMap(({ file }) => [file.id, ...file.otherIds]),
      ...members.flatMap((member) => idsOfBase(row, claimed.folder, member)),
      ...members.flatMap(({ file }) => file.idsElsewhere),
    ];
    const otherIds = [...new Set(others)].filter((one) => one !== id);
    const formerDisks = [
      ...new Set(members.flatMap((one) => disksBefore(row, claimed.folder, one))),
    ];
    found.push({
      ...{ id, name: named.name, restorePoints: settleChains(drafts) },
      ...(otherIds.length === 0 ? {} : { otherIds }),
      ...(formerDisks.length === 0 ? {} : { formerDisks }),
      ...(members.every(({ place }) => (place?.parent ?? null) === null)
        ? {}
        : { makesFullsOnly: false, isWrittenOver: true }),
    });
  }
  return found;
}

/** Of a disk that one of its points names, and that has another name by now: what was copied of it is no copy of what is gone. */
function idsOfBase(
  { prefix }: SingleFiles,
  folder: string,
  { file, place, head }: Member,
): string[] {
  const parent = head !== undefined && 'value' in head ? head.value.parent : null;
  const isBeside = place !== null && (place.parent !== null || place.below.length > 0);
  if (parent === null || isBeside || !wasCalledPointOf(file, parent)) return [];
  // Those that build on a raw disk lie in the layout of raw disks while that is there.
  return loneIds(parent.format === 'raw' ? 'raw' : prefix, folder, baseNameIn(parent.name));
}

/** QEMU puts what an image builds on into it, and it stands for itself then: what it was a point of only its name tells. */
function disksBefore({ prefix, linked }: SingleFiles, folder: string, { file, place }: Member) {
  const { name, stamp } = file.entry;
  if (linked?.[file.format] !== 'qcow2' || place !== null || stamp.sizeBytes === 0) return [];
  return stemsOfDisk(name).flatMap((stem) => [
    ...loneIds(prefix, folder, `${stem}.qcow2`),
    ...['img', 'raw', 'dd'].flatMap((ending) => loneIds('raw', folder, `${stem}.${ending}`)),
  ]);
}

interface LinkedFile extends LinkableImage {
  readonly file: SingleFile;
}

/** Of what may be linked. */
async function headsOf(
  { linked }: SingleFiles,
  facts: FolderFacts,
  files: readonly SingleFile[],
): Promise<ReadonlyMap<SingleFile, Finding<FoundHead>>> {
  const heads = new Map<SingleFile, Finding<FoundHead>>();
  for (const file of linked === undefined ? [] : files)
    if (file.entry.stamp.sizeBytes > 0)
      heads.set(file, await readImageHead(facts, file.entry, file.format, file.parts));
  return heads;
}

/** Those that are linked, or say that they are. */
async function placesOf(
  { linked = {} }: SingleFiles,
  facts: FolderFacts,
  found: ReadonlyMap<SingleFile, Finding<FoundHead>>,
): Promise<ReadonlyMap<SingleFile, ImagePlace<LinkedFile>>> {
  const formats = new Set(
    [...found].flatMap(([file, head]) =>
      'fault' in head || head.value.parent === null
        ? []
        : [linked[file.format]!, head.value.parent.format ?? linked[file.format]!],
    ),
  );
  const images: LinkedFile[] = [];
  for (const [file, known] of found) {
    const format = linked[file.format]!;
    if (!formats.has(format)) continue;
    const { entry, parts, id } = file;
    const isSame = format === file.format || 'fault' in known;
    const head = isSame ? known : await readImageHead(facts, entry, format, parts);
    images.push({ file, entry, format, head, ownName: id });
  }
  const all = placesOfImages(images);
  const built = new Set([...all.values()].flatMap(({ parent, below }) => [parent, ...below]));
  const own = [...all].filter(([image]) => built.has(image) || buildsOnOther(image.head));
  return new Map(own.map(([{ file }, place]) => [file, place]));
}

function buildsOnOther(head: LinkableImage['head']): boolean {
  return 'value' in head && head.value.parent !== null;
}

/** Each with an id of its own. */
function withOwnIds(members: readonly Member[]): Member[] {
  const counts = new Map<string, number>();
  for (const { pointId } of members) counts.set(pointId, (counts.get(pointId) ?? 0) + 1);
  return members.map((member) =>
    counts.get(member.pointId) === 1 ? member : { ...member, pointId: member.file.entry.name },
  );
}

const DISK = 'image';

async function draftPoint(
  row: SingleFiles,
  facts: FolderFacts,
  workloadId: string,
  { file, pointId: id, place, head }: Member,
  members: readonly Member[],
): Promise<DraftPoint> {
  const { entry, parts, beside, createdAtMs } = file;
  const { format, doubt, fault } = await judged(row, facts, { file, place, head });
  const below = place?.below ?? [];
  const along = await readableOf(facts, beside);
  const isOnLater = (place?.doubt ?? null) !== null;
  const full = fullPoint({
    ...{ id, workloadId, createdAtMs },
    disks: [diskOf(file, format, place)],
    companions: along.map(({ path, name }) => ({ path, as: name })),
    ...{ faults: fault === null ? [] : [fault], leftOut: doubt ?? place?.doubt ?? undefined },
    files: [
      entry,
      ...parts,
      ...along,
      ...below.flatMap(({ file: own }) => [own.entry, ...own.parts]),
    ],
    closingRecord: 'silent',
  });
  const point: DraftPoint = isOnLater ? { ...full, isOnLater } : full;
  const parent = place?.parent?.file;
  const parentId = members.find((member) => member.file === parent)?.pointId;
  if (parentId === undefined) return point;
  const disks = point.disks.map((disk) => ({
    ...({ ...disk, kind: 'increment', parentRestorePointId: parentId } as const),
    // Put together with what it builds on it is the disk itself.
    as: place!.start.entry.name,
  }));
  return { ...point, kind: 'increment', parentId, disks };
}

/** What a file is, and why it cannot be restored. */
async function judged(
  row: SingleFiles,
  facts: FolderFacts,
  { file: { entry, parts, format: named }, place, head }: Omit<Member, 'pointId'>,
): Promise<FormatByContent & { readonly fault: PointFault | null }> {
  if (place !== null) {
    const { format: itsFormat, entry: lowest } = place.lowest;
    // A raw disk that others build on is read as one, whatever its size.
    const cutOff = itsFormat === 'raw' ? rawFault(lowest) : null;
    return {
      ...{ format: row.linked![named]!, fault: place.fault },
      ...(cutOff === null ? {} : { doubt: `${cutOff.reason}: ${NO_WHOLE_DISK}` }),
    };
  }
  if (head !== undefined && row.formatOf === undefined)
    return { format: named, fault: faultOfHead(entry, head) };
  const found = (await row.formatOf?.(facts, entry, named)) ?? { value: { format: named } };
  if ('fault' in found) return { format: named, fault: found.fault };
  const { format } = found.value;
  return { ...found.value, fault: await wholeImageFault(facts, entry, format, parts) };
}

function diskOf(
  file: SingleFile,
  format: FormatId,
  place: ImagePlace<LinkedFile> | null,
): SourceDisk {
  const extentsOf = ({ parts }: SingleFile): Pick<SourceDisk, 'extents'> =>
    parts.length === 0
      ? {}
      : { extents: parts.map(({ name, path, stamp }) => ({ name, path, stamp })) };
  const below = place?.below.map(({ file: own, format: its }) => ({
    ...{ path: own.entry.path, format: its, stamp: own.entry.stamp },
    ...extentsOf(own),
  }));
  return {
    ...fullDisk(DISK, format, file.entry),
    ...extentsOf(file),
    ...(below === undefined || below.length === 0 ? {} : { below }),
  };
}

async function readableOf(
  facts: FolderFacts,
  files: readonly ClaimedFile[],
): Promise<readonly ClaimedFile[]> {
  const readable: ClaimedFile[] = [];
  for (const file of files) if ('value' in (await fileStart(facts, file))) readable.push(file);
  return readable;
}
