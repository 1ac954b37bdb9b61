import type { FormatId } from '../../domain/sources/source-workload.js';
import type { ImageHead, ParentLink } from '../../image/disk-image.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
import { fileNamed } from './image-head.js';
import { openFault } from './whole-image.js';
import { broken, type Finding, type PointFault } from '../point-fault.js';

/** An image as its head shows it. */
export interface LinkableImage {
  readonly entry: RepositoryEntry;
  readonly format: FormatId;
  readonly head: Finding<Pick<ImageHead, 'parent' | 'linkId' | 'isOpen'>>;
  /** Images with one name but for their dates are of one disk. */
  readonly ownName: string;
}

/** Where an image stands among those of its folder. */
export interface ImagePlace<I> {
  /** The full that the restore points of its disk begin with; it itself where it is one. */
  readonly start: I;
  /** The restore point of that disk that it builds on; null: it is a full there. */
  readonly parent: I | null;
  /** What a full is read through, the one right below it first. */
  readonly below: readonly I[];
  /** Of it and all that it builds on, the one that builds on nothing that is known. */
  readonly lowest: I;
  readonly fault: PointFault | null;
  /** Why it may show what never was. null: nothing says so. */
  readonly doubt: string | null;
}

/** How the images of one folder build on one another, told by the ids in them, or where a format has none by names: never by a path, as what lies there is
 *  another machine's by now. One that is named after the disk that it builds on is a point of it. Any other, such as a machine on its template, begins a disk of its
 *  own, with a full that is read through all below it: also where it is the only one, as the next machine would be taken for it. */
export function placesOfImages<I extends LinkableImage>(
  images: readonly I[],
): ReadonlyMap<I, ImagePlace<I>> {
  const parents = new Map(images.map((image) => [image, parentOf(image, images)] as const));
  const children = new Map<I, I[]>();
  for (const [image, parent] of parents)
    if (parent !== null && !('fault' in parent))
      children.set(parent, [...(children.get(parent) ?? []), image]);
  const places = new Map<I, ImagePlace<I>>();
  for (const image of images) {
    // Chains can be long, so no recursion.
    const climbed: I[] = [];
    for (let at: I = image; !places.has(at);) {
      climbed.push(at);
      const parent = parents.get(at)!;
      if (parent === null || 'fault' in parent) break;
      if (climbed.includes(parent)) {
        const { fault } = broken('images of this folder build on each other in a circle');
        for (const one of climbed) places.set(one, alone(one, fault));
        break;
      }
      at = parent;
    }
    for (const one of climbed.reverse())
      if (!places.has(one)) places.set(one, placeOf(one, parents.get(one)!, children, places));
  }
  return places;
}

function placeOf<I extends LinkableImage>(
  image: I,
  parent: I | { readonly fault: PointFault } | null,
  children: ReadonlyMap<I, readonly I[]>,
  places: ReadonlyMap<I, ImagePlace<I>>,
): ImagePlace<I> {
  const ownFault = faultOfOpen(image, children.has(image));
  if (parent === null) return alone(image, ownFault);
  if ('fault' in parent) return alone(image, parent.fault);
  const { start, lowest, doubt: inherited } = places.get(parent)!;
  const doubt = doubtOf(image, parent) ?? inherited;
  const goesOn =
    image.ownName === parent.ownName ||
    isNumberedAfter(image, parent) ||
    isOnlySnapshot(image, children.get(parent)!, start);
  if (goesOn) return { start, parent, below: [], lowest, fault: ownFault, doubt };
  const below = [parent, ...imagesBelow(parent, places)];
  const faulty = below.find((one) => places.get(one)!.fault !== null);
  const fault = ownFault ?? (faulty === undefined ? null : places.get(faulty)!.fault);
  return { start: image, parent: null, below, lowest, fault, doubt };
}

/** It stays where it stands while it is open. */
function faultOfOpen({ entry, head }: LinkableImage, hasChildren: boolean): PointFault | null {
  return 'value' in head ? openFault(entry, head.value, hasChildren) : null;
}

/** Where the id of an image stays when it is written to, its date alone tells that. A copy that does not keep dates may put a right one behind what builds on it, so it is
 *  told, and no fault. */
export function doubtOf(
  { entry, format }: Pick<LinkableImage, 'entry' | 'format'>,
  { entry: below }: Pick<LinkableImage, 'entry'>,
): string | null {
  const isLater = BigInt(below.stamp.modifiedAtNs) > BigInt(entry.stamp.modifiedAtNs);
  return isLater && !ID_CHANGES_WITH_CONTENT.has(format)
    ? `${below.path} was written to after ${entry.path}, which builds on it: unless only their dates are wrong, what this shows never was`
    : null;
}

const ID_CHANGES_WITH_CONTENT: ReadonlySet<FormatId> = new Set(['vhdx', 'vmdk']);

/** By the tools: `web01-000001.vmdk` (VMware), `web01_<UUID>.avhdx` (Hyper-V), also where the file before it has such a name itself, and by the name that it has in
 *  the image where it was changed since. */
function isNumberedAfter<I extends LinkableImage>(image: I, parent: I): boolean {
  const { entry, head, format } = image;
  // `debian12.qcow2` on `debian12.img` may be a machine on its template.
  if (format !== parent.format) return false;
  const own = stemOf(entry.name);
  const named = 'value' in head ? baseNameIn(head.value.parent?.name ?? '') : '';
  const before = [parent.entry.name, named].map((name) => unnumbered(stemOf(name)));
  return before.includes(unnumbered(own));
}

/** `web01.before-update.qcow2` (libvirt), or `web01.qcow2` on `web01.img`, of which one builds on the other: `debian12.web01.qcow2` and `debian12.db01.qcow2` on
 *  `debian12.qcow2` are machines that were made of it, and `web01-db.qcow2` may be one. */
function isOnlySnapshot<I extends LinkableImage>(
  image: I,
  children: readonly I[],
  start: I,
): boolean {
  const [snapshot, ...others] = children.filter((child) => isCalledSnapshot(child, start));
  return snapshot === image && others.length === 0;
}

/** Whether an image was a point of the disk that it says it builds on, by their names: that does not lie beside it any more. */
export function wasCalledPointOf(
  image: Named,
  { name, format = image.format }: ParentLink,
): boolean {
  const base = { entry: { name: baseNameIn(name) }, format };
  if (base.entry.name === '') return false;
  const [own, before] = [image, base].map(({ entry }) => unnumbered(stemOf(entry.name)));
  return (format === image.format && own === before) || isCalledSnapshot(image, base);
}

/** What a disk may be called, without ending, of which an image is a point by its name; the longest first, few of them. */
export function stemsOfDisk(name: string): string[] {
  const stem = name.replace(/\.[^.]*$/, '');
  const lower = stemOf(name);
  const starts = Array.from(lower, (_, at) => at).filter((at) => SNAPSHOT.test(lower.slice(at)));
  const lengths = [unnumbered(lower).length, ...starts.reverse()];
  const stems = new Set(lengths.map((length) => stem.slice(0, length)));
  return [...stems].filter((one) => one !== '' && one !== stem).slice(0, MAX_STEMS);
}

const MAX_STEMS = 4;

interface Named {
  readonly entry: { readonly name: string };
  readonly format: FormatId;
}

function isCalledSnapshot({ entry, format }: Named, start: Named): boolean {
  const own = stemOf(entry.name);
  const disk = stemOf(start.entry.name);
  const rest = own.slice(disk.length);
  if (!own.startsWith(disk)) return false;
  return rest === '' ? format !== start.format : SNAPSHOT.test(rest);
}

const SNAPSHOT = /^(?:\..|[-_ ](?:snap|checkpoint|overlay|delta))/;

function stemOf(name: string): string {
  return name.replace(/\.[^.]*$/, '').toLowerCase();
}

function unnumbered(stem: string): string {
  return stem.replace(/(?:-\d{6}|_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/, '');
}

/** All that an image builds on, the one right below it first. */
export function imagesBelow<I>(image: I, places: ReadonlyMap<I, ImagePlace<I>>): I[] {
  const below: I[] = [];
  for (let at: I | undefined = image; at !== undefined;) {
    const place: ImagePlace<I> = places.get(at)!;
    at = place.parent ?? place.below[0];
    if (at !== undefined) below.push(at);
  }
  return below;
}

function alone<I>(image: I, fault: PointFault | null): ImagePlace<I> {
  return { start: image, parent: null, below: [], lowest: image, fault, doubt: null };
}

/** null: it builds on nothing. */
function parentOf<I extends LinkableImage>(
  image: I,
  images: readonly I[],
): I | { readonly fault: PointFault } | null {
  const { entry, head, format } = image;
  if ('fault' in head) return head;
  if (head.value.parent === null) return null;
  const { name, linkId, otherLinkId, format: itsFormat = format } = head.value.parent;
  const { isFormatUnsaid = false, unreadFormat = null } = head.value.parent;
  const base = baseNameIn(name);
  const others = images.filter((other) => other !== image && other.format === itsFormat);
  const namesake = ofName(others, base);
  if (namesake !== undefined && 'fault' in namesake.head) {
    const { state, reason } = namesake.head.fault;
    return {
      fault: { state, reason: `${entry.path} builds on ${base}, which is ${state}: ${reason}` },
    };
  }
  const isLinked = ({ head: its }: I): boolean =>
    'value' in its &&
    (linkId === null || its.value.linkId === linkId || its.value.linkId === otherLinkId);
  const linked = others.filter(isLinked);
  const named = ofName(linked, base);
  if (named !== undefined) return named;
  if (ID_TELLS_CONTENT.has(itsFormat) && linked.length === 1) return linked[0]!;
  return broken(
    `${entry.path} builds on ${missingText({ name: base === '' ? name : base, isFormatUnsaid, unreadFormat }, itsFormat, linkId === null ? [] : linked, namesake)}`,
  );
}

/** Of VHD a copy that was taken at another time has the same uuid, and of the 32 bits of VMDK every new disk of VMware has the same ones: there the name has to fit, too. */
export const ID_TELLS_CONTENT: ReadonlySet<FormatId> = new Set(['vhdx']);

function ofName<I extends LinkableImage>(images: readonly I[], name: string): I | undefined {
  return fileNamed(
    images.map((image) => ({ name: image.entry.name, image })),
    name,
  )?.image;
}

interface MissingParent {
  readonly name: string;
  /** As in `ParentLink`. */
  readonly isFormatUnsaid: boolean;
  readonly unreadFormat: string | null;
}

function missingText(
  parent: MissingParent,
  format: FormatId,
  linked: readonly LinkableImage[],
  namesake: LinkableImage | undefined,
): string {
  const quoted = JSON.stringify(parent.name);
  if (namesake !== undefined && linked.length === 0)
    return `an earlier content of ${quoted}: that was changed afterwards, or is another disk`;
  if (
    parent.unreadFormat !== null ||
    (parent.isFormatUnsaid && OTHER_FORMAT_NAME.test(parent.name))
  )
    return `${quoted}, and bases of qcow2 images are read as qcow2 or raw only; make one of both (qemu-img convert)`;
  const names = linked.map(({ entry: { name } }) => JSON.stringify(name)).join(', ');
  return linked.length === 0
    ? `${quoted}, which does not lie beside it as ${format}; ${adviceOn(parent, format)}, or make one of both (qemu-img convert, Convert-VHD)`
    : `${quoted}, which is not beside it: its id has ${names}; give it that name if it is the one`;
}

/** Names of disks in formats that QEMU builds qcow2 images on, too: where an image does not say in which its base is. */
const OTHER_FORMAT_NAME = /\.(?:vmdk|vhdx?|avhdx?|vdi|qed|qcow|hdd|hds)$/i;
/** Names of raw disks. What lies there is not looked at: it may begin with whatever a guest has written. */
const RAW_NAME = /\.(?:raw|img|dd)$/i;

/** An image of the given format under the name of a raw disk is claimed as one. */
function adviceOn({ name, isFormatUnsaid }: MissingParent, format: FormatId): string {
  if (format !== 'qcow2' || !RAW_NAME.test(name)) return 'put it there';
  if (isFormatUnsaid)
    return `if it is a raw disk, say so (qemu-img rebase -u -F raw -b ${shellWord(name)})`;
  const renamed = name.replace(RAW_NAME, `.${format}`);
  return `if that is its format, give it the ending .${format}, here too (qemu-img rebase -u -F ${format} -b ${shellWord(renamed)})`;
}

/** One word for a POSIX shell. */
function shellWord(text: string): string {
  return /^[\w./+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** What a path ends with, of whatever system it is; nothing of what is no path, such as `json:` and `nbd:` of QEMU. */
export function baseNameIn(path: string): string {
  const isFile = !/^[a-z][\w+.-]+:/i.test(path) || /^file:/i.test(path);
  return isFile
    ? (path
        .replace(/^file:/i, '')
        .split(/[\\/]/)
        .at(-1) ?? '')
    : '';
}
