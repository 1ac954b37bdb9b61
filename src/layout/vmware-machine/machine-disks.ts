import type { SourceDisk, SourceImage } from '../../domain/sources/source-workload.js';
import type { ClaimedFile } from '../backup-layout.js';
import type { FolderFacts } from '../file-facts.js';
import { fullDisk } from '../images/full-point.js';
import { descriptorOfExtent } from '../ghettovcb/names.js';
import type { VmxDisk } from '../ghettovcb/vmx-file.js';
import { fileNamed, readImageHead, type FoundHead } from '../images/image-head.js';
import {
  imagesBelow,
  placesOfImages,
  type ImagePlace,
  type LinkableImage,
} from '../images/linked-images.js';
import type { Finding, PointFault } from '../point-fault.js';
import { lastName } from '../../repository/repository-path.js';

const FORMAT = 'vmdk';
const RAW = 'raw';

/** A disk of a folder, or a state of one that a snapshot keeps. */
interface FolderImage extends LinkableImage {
  readonly entry: ClaimedFile;
  readonly head: Finding<FoundHead>;
  /** Files that hold its data, where these are not in it. */
  readonly parts: readonly ClaimedFile[];
}

/** The disks of a folder, and how they build on one another. */
export type FolderImages = ReadonlyMap<FolderImage, ImagePlace<FolderImage>>;

/** @param files VMDK files; those that are not part of another are images */
export async function imagesIn(
  facts: FolderFacts,
  files: readonly ClaimedFile[],
): Promise<FolderImages> {
  const data = files.filter(({ name }) => descriptorOfExtent(name) !== null);
  const images: FolderImage[] = [];
  for (const entry of files) {
    if (data.includes(entry)) continue;
    const head = await readImageHead(facts, entry, FORMAT, data);
    const paths = 'value' in head ? head.value.extents.map(({ path }) => path) : [];
    // Of one that cannot be read its own name tells.
    const isPart = (file: ClaimedFile): boolean =>
      'value' in head
        ? paths.includes(file.path)
        : descriptorOfExtent(file.name) === entry.name.replace(/\.vmdk$/i, '.vmdk');
    const parts = data.filter(isPart);
    images.push({ entry, format: FORMAT, head, ownName: entry.name, parts });
  }
  return placesOfImages(images);
}

/** A disk of a definition, and the image that shows it now. */
interface HeldDisk {
  readonly disk: VmxDisk;
  readonly image: FolderImage;
}

/** Those disks of a definition that are here. A path that it names is a place on the host, so its last part tells; but a disk on another datastore is called
 *  like the first one, so it is none that shows a state of a disk which is found already. Names without a path come first. */
export function heldDisks(named: readonly VmxDisk[], images: FolderImages): HeldDisk[] {
  const found = new Map<VmxDisk, FolderImage>();
  const rootOf = (image: FolderImage): FolderImage => imagesBelow(image, images).at(-1) ?? image;
  const byPlace = [...named].sort((a, b) => Number(isPath(a)) - Number(isPath(b)));
  for (const disk of byPlace) {
    const image = imageNamed(disk.fileName, images);
    if (image === undefined) continue;
    const isTaken = [...found.values()].some((one) => rootOf(one) === rootOf(image));
    if (!isPath(disk) || !isTaken) found.set(disk, image);
  }
  return named.flatMap((disk) => {
    const image = found.get(disk);
    return image === undefined ? [] : [{ disk, image }];
  });
}

function isPath({ fileName }: VmxDisk): boolean {
  return /[\\/]/.test(fileName);
}

function imageNamed(path: string, images: FolderImages): FolderImage | undefined {
  const named = [...images.keys()].map((image) => ({ name: image.entry.name, image }));
  return fileNamed(named, lastName(path.replaceAll('\\', '/')))?.image;
}

/** Which images show a state of one of these disks: those, what they build on, or would if it had not changed since, and what else builds on that. */
export function relatives(
  tops: readonly FolderImage[],
  images: FolderImages,
): ReadonlySet<FolderImage> {
  const rootOf = (image: FolderImage): FolderImage => imagesBelow(image, images).at(-1) ?? image;
  const roots = new Set(tops.map(rootOf));
  for (const root of roots) {
    const changed = parentByName(root, images);
    if (changed !== undefined) roots.add(rootOf(changed));
  }
  return new Set([...images.keys()].filter((image) => roots.has(rootOf(image))));
}

/** Of an image that builds on something, and on no content of this folder. */
function parentByName({ head }: FolderImage, images: FolderImages): FolderImage | undefined {
  const name = 'value' in head ? head.value.parent?.name : undefined;
  return name === undefined ? undefined : imageNamed(name, images);
}

interface MachineDisks {
  readonly disks: readonly SourceDisk[];
  /** Those of the images that travel beside the disks as they are: what a snapshot is of, and descriptions of flat disks. */
  readonly beside: readonly ClaimedFile[];
  readonly files: readonly ClaimedFile[];
  readonly faults: readonly PointFault[];
  /** As `SourceRestorePoint.leftOut`: a machine may have disks in several folders, and one that lies here may be another. */
  readonly leftOut: string | undefined;
}

/** Each disk as it is now, in one file. */
export function machineDisks(named: readonly VmxDisk[], images: FolderImages): MachineDisks {
  const disks: SourceDisk[] = [];
  const faults: PointFault[] = [];
  const held = heldDisks(named, images);
  const tops = held.map(({ image }) => image);
  for (const { disk, image: top } of held) {
    const below = imagesBelow(top, images);
    for (const one of [top, ...below]) {
      const { fault } = images.get(one)!;
      if (fault !== null) faults.push(fault);
    }
    disks.push(diskOf(disk, top, below));
  }
  const all = [...relatives(tops, images)];
  const single = all.filter((image) => tops.includes(image));
  const others = all.filter((image) => !tops.includes(image));
  const filesOf = (list: readonly FolderImage[]): ClaimedFile[] =>
    list.flatMap(({ entry, parts }) => [entry, ...parts]);
  const descriptions = single.filter((image) => flatPartOf(image) !== null);
  return {
    ...{ disks, faults, files: filesOf(all) },
    leftOut: leftOutText(named, held),
    beside: [...filesOf(others), ...descriptions.map(({ entry }) => entry)],
  };
}

/** undefined: its folder holds what the definition names. */
function leftOutText(named: readonly VmxDisk[], held: readonly HeldDisk[]): string | undefined {
  const absent = named
    .filter((disk) => held.every((one) => one.disk !== disk))
    .map(({ node, fileName }) => `the disk ${JSON.stringify(fileName)} (${node})`);
  const taken = held
    .filter(({ disk }) => isPath(disk))
    .map(
      ({ disk: { node, fileName }, image }) =>
        `${node} is taken from ${image.entry.name} here; the definition names ${JSON.stringify(fileName)}`,
    );
  const notes = [
    ...(absent.length === 0 ? [] : [`its folder does not hold ${absent.join(', ')}`]),
    ...taken,
  ];
  return notes.length === 0 ? undefined : notes.join('; ');
}

function diskOf({ node }: VmxDisk, top: FolderImage, below: readonly FolderImage[]): SourceDisk {
  const flat = flatPartOf(top);
  return {
    ...fullDisk(node.replace(':', '-'), FORMAT, top.entry),
    ...(flat === null ? { as: top.entry.within } : { as: flat.within, asFormat: RAW }),
    ...extentsOf(top),
    ...(below.length === 0
      ? {}
      : {
          below: below.map((image): SourceImage => {
            const { path, stamp } = image.entry;
            return { path, format: FORMAT, stamp, ...extentsOf(image) };
          }),
        }),
  };
}

function extentsOf({ head }: FolderImage): Pick<SourceImage, 'extents'> {
  const extents = 'value' in head ? head.value.extents : [];
  return extents.length === 0 ? {} : { extents };
}

/** Where all data lie as they are in one file, ESX opens nothing else. null: they do not. */
function flatPartOf({ head, parts }: FolderImage): ClaimedFile | null {
  const [part, ...others] = parts;
  const isFlat =
    'value' in head &&
    head.value.parent === null &&
    others.length === 0 &&
    part !== undefined &&
    /-flat\.vmdk$/i.test(part.name) &&
    part.stamp.sizeBytes === head.value.virtualSizeBytes;
  return isFlat ? part : null;
}
