import { UNDATED_ID } from '../../domain/sources/source-identity.js';
import type { FormatId } from '../../domain/sources/source-workload.js';
import type { WorkloadTypeFacts } from '../../domain/sources/workload-rules.js';
import type { ClaimedFile, ClaimedFiles } from '../backup-layout.js';
import { imageBeside } from './beside-image.js';
import { datedPlace, dateOfBoth, placesOf, type DatedPlace } from '../names/dated-folders.js';
import { parseDatedName, type DatedName } from '../names/dated-name.js';
import type { FolderFacts } from '../file-facts.js';
import { readImageHead } from './image-head.js';
import { writtenAtMs } from '../names/named-date.js';
import type { Finding } from '../point-fault.js';
import { placeBesideRuns } from '../walk/sibling-runs.js';
import { folderWorkloadId } from '../names/workload-id.js';
import { MAX_TEXT_BYTES } from '../xml-file.js';

/** Backups that are one file each, under a name of people's own making. Claimed by the ending of the name alone.
 *
 *  Files whose names differ in a date are restore points of one workload: `web01-2026-11-24.dmg`, and so are those of one name in folders that differ in
 *  a date (`dated-folders.ts`), unless they are written to long after it and no other such folder holds one of their name. One without a date is a workload of its own, with one point, dated by its last change; whether that is another backup or the rest of one that was copied too early is
 *  told by its blocks (`UNDATED_ID`). No two machines are ever taken for one, because retention would
 *  then delete the backups of one for those of the other.
 *  Each is whole in itself, but for images of disks that build on one another in one folder (`linked-images.ts`): these are points of the workload of the full.
 *  What lies beside a file under its name, such as its sum or the definition of its machine, goes with it once nothing changes it any more
 *  (`beside-image.ts`). What of that cannot be read is named, and holds the image not up: that is whole without it.
 *  Nothing tells that such a file is whole but its format, where that has an end to tell it by, and that it has not changed for a while. */
export interface SingleFiles {
  readonly name: string;
  readonly type: WorkloadTypeFacts;
  /** As of `BackupLayout`. */
  readonly restoredWith: string;
  /** Start of the workload ids. */
  readonly prefix: string;
  /** Format by ending of the name, in lower case, without the dot. The longest one that fits counts; `''` fits every name. */
  readonly formats: Readonly<Record<string, FormatId>>;
  /** What has to be true of the name besides. Absent: nothing. */
  readonly pattern?: RegExp;
  /** Images that lie in several files. Absent: there are none. */
  readonly inParts?: {
    /** Name of the image that a file is a part of, its ending in lower case; null: it is none. */
    imageOf(name: string): string | null;
    /** Of such an image. */
    readonly format: FormatId;
  };
  /** What a file of the format that its name tells is by its first bytes. Absent: that. */
  readonly formatOf?: (
    facts: FolderFacts,
    entry: ClaimedFile,
    named: FormatId,
  ) => Promise<Finding<FormatByContent>>;
  /** Whether what its name tells is none of these by its content: it is named as not recognised. Absent: the name is enough. */
  readonly isOther?: (facts: FolderFacts, entry: ClaimedFile, named: FormatId) => Promise<boolean>;
  /** Images that may build on one another, by the format that their names tell: the one that they are read and copied as where they do. Absent: none do. */
  readonly linked?: Readonly<Record<FormatId, FormatId>>;
  /** Disks of a layout behind this one: images that build on one that lies beside them, by what they say of its format, are left to that layout. Absent: there are none. */
  readonly leavesWhatIsOn?: { readonly disk: RegExp; readonly format: FormatId };
  /** Whether dates in names of files and folders make one workload of several files. Default: yes. */
  readonly isDated?: boolean;
  /** Date in a name without its ending. Absent: one that people understand. */
  readonly dateIn?: (base: string) => DatedName | null;
  /** Start of the ids that layouts beside this one give to such a file, by its ending: whose it is may change with what lies beside it. Absent: none takes it. */
  readonly otherPrefix?: Readonly<Record<string, string>>;
  /** Ids of what a file of this stem is a copy of, which is seen with it. Absent: there is none. */
  readonly idsOfOriginal?: (folder: string, stem: string) => readonly string[];
}

export interface FormatByContent {
  readonly format: FormatId;
  /** Why it may not be whole, although nothing awaits more of it. Absent: nothing says so. */
  readonly doubt?: string;
}

/** What `imageBeside` may call an image: as it is, and without its ending. */
export function calls(name: string, ending: string): [name: string, stem: string] {
  return [name, ending === '' ? name : name.slice(0, -ending.length - 1)];
}

/** Ids that a file may have had, or has again, as a workload of its own: of its name without a date, in its folder with the dates of that and without.
 *  @param prefix as `SingleFiles.prefix`
 *  @param folder path within the repository */
export function loneIds(prefix: string, folder: string, name: string): string[] {
  const ending = /(?:\.tar)?\.[^.]+$/i.exec(name)?.[0] ?? '';
  const base = name.slice(0, name.length - ending.length);
  const stem = parseDatedName(base)?.stem ?? base;
  return placesOf(folder).map((place) => loneId(prefix, place, `${stem}${ending.toLowerCase()}`));
}

function loneId(prefix: string, place: string, name: string): string {
  return `${folderWorkloadId(prefix, place)}:${encodeURIComponent(name)}`;
}

/** By what they call the image. */
function filesBeside(files: readonly ClaimedFile[]): ReadonlyMap<string, readonly ClaimedFile[]> {
  const beside = new Map<string, ClaimedFile[]>();
  for (const file of files) {
    const image = imageBeside(file.name);
    if (image !== null) beside.set(image, [...(beside.get(image) ?? []), file]);
  }
  return beside;
}

/** null: none of these. */
export function endingOf({ formats, pattern }: SingleFiles, name: string): string | null {
  if (pattern?.test(name) === false) return null;
  const lower = name.toLowerCase();
  const fitting = Object.keys(formats).filter(
    (ending) => ending === '' || (lower.endsWith(`.${ending}`) && lower.length > ending.length + 1),
  );
  return fitting.sort((a, b) => b.length - a.length)[0] ?? null;
}

export interface SingleFile {
  readonly entry: ClaimedFile;
  /** Further files of the image. */
  readonly parts: readonly ClaimedFile[];
  /** What lies beside it under its name. */
  readonly beside: readonly ClaimedFile[];
  readonly pointId: string;
  readonly createdAtMs: number;
  readonly format: FormatId;
  /** Of the workload that it is of by its name, */
  readonly id: string;
  /** others that this may have had, */
  readonly otherIds: readonly string[];
  /** and those of layouts beside this one. */
  readonly idsElsewhere: readonly string[];
  readonly name: string;
}

/** What of a claim is an image, with what belongs to it, each named by itself alone. What lies beside a folder tells whether its date is one of a run. */
export async function filesIn(
  row: SingleFiles,
  facts: FolderFacts,
  { folder, files }: ClaimedFiles,
): Promise<SingleFile[]> {
  const isDated = row.isDated !== false;
  const placeOfFolder: DatedPlace = isDated ? datedPlace(folder) : { place: folder, date: null };
  const found: SingleFile[] = [];
  const images = files.filter(({ name }) => endingOf(row, name) !== null);
  const partsByImage = await partsOf(row, facts, images);
  const isPart = new Set([...partsByImage.values()].flat());
  const besideOf = filesBeside(files);
  for (const entry of images) {
    const ending = endingOf(row, entry.name);
    if (ending === null || isPart.has(entry)) continue;
    if (await row.isOther?.(facts, entry, row.formats[ending]!)) continue;
    const parts = partsByImage.get(entry) ?? [];
    const [, base] = calls(entry.name, ending);
    const named = isDated ? (row.dateIn ?? parseDatedName)(base) : null;
    const written = writtenAtMs([entry, ...parts]);
    const { place, isDoubtful } =
      named === null
        ? await placeBesideRuns(
            facts.siblings,
            { folder, names: [entry.name] },
            placeOfFolder,
            written,
          )
        : { place: placeOfFolder, isDoubtful: false };
    const dated = dateOfBoth(named, place);
    const stem = named === null ? base : named.stem;
    const name = ending === '' ? stem : `${stem}.${ending}`;
    const idIn = (where: string): string => loneId(row.prefix, where, name);
    const otherPrefix = row.otherPrefix?.[ending];
    // Where its place is in no doubt it is that for all: one more id for each run would leave no room for others (`fittingIds`).
    const idsUnder = (prefix: string): string[] =>
      isDated && !isDoubtful
        ? [loneId(prefix, place.place, name)]
        : loneIds(prefix, folder, entry.name);
    found.push({
      ...{ entry, parts, name, id: idIn(place.place) },
      beside: [entry, ...parts]
        .flatMap(({ name: own }) => [...new Set(calls(own, endingOf(row, own) ?? ''))])
        .flatMap((own) => besideOf.get(own) ?? []),
      format: (parts.length > 0 ? row.inParts?.format : undefined) ?? row.formats[ending]!,
      pointId: dated?.date ?? UNDATED_ID,
      createdAtMs: dated?.createdAtMs ?? written,
      otherIds: [
        ...(isDoubtful ? [idIn(folder), idIn(placeOfFolder.place)] : []),
        ...(row.idsOfOriginal?.(folder, stem) ?? []),
      ],
      idsElsewhere: otherPrefix === undefined ? [] : idsUnder(otherPrefix),
    });
  }
  return found;
}

/** A part whose image is not there stands for itself, so that it is named, unless another image says that it is one of its own: a descriptor that was renamed
 *  keeps the names of its parts. */
async function partsOf(
  { inParts }: SingleFiles,
  facts: FolderFacts,
  files: readonly ClaimedFile[],
): Promise<ReadonlyMap<ClaimedFile, readonly ClaimedFile[]>> {
  const parts = new Map<ClaimedFile, ClaimedFile[]>();
  if (inParts === undefined) return parts;
  const lowerEnding = (name: string) => name.replace(/\.[^.]*$/, (ending) => ending.toLowerCase());
  const byName = new Map(files.map((file) => [lowerEnding(file.name), file]));
  const lost: ClaimedFile[] = [];
  for (const file of files) {
    const named = inParts.imageOf(file.name);
    const image = byName.get(named ?? '');
    if (image !== undefined) parts.set(image, [...(parts.get(image) ?? []), file]);
    else if (named !== null) lost.push(file);
  }
  if (lost.length === 0) return parts;
  for (const file of files) {
    const mayDescribe = inParts.imageOf(file.name) === null && !parts.has(file);
    if (!mayDescribe || file.stamp.sizeBytes > MAX_TEXT_BYTES) continue;
    const head = await readImageHead(facts, file, inParts.format, lost);
    const named = 'value' in head ? head.value.extents.map(({ path }) => path) : [];
    const own = lost.filter(({ path }) => named.includes(path));
    if (own.length > 0) parts.set(file, own);
  }
  return parts;
}
