import type { SourceDisk, SourceImage } from '../../domain/sources/source-workload.js';
import type { ClaimedFile } from '../backup-layout.js';
import type { FolderFacts } from '../file-facts.js';
import { fullDisk } from '../full-point.js';
import { baseName, descriptorOfExtent } from '../ghettovcb/names.js';
import type { VmxDisk } from '../ghettovcb/vmx-file.js';
import { fileNamed, readImageHead, type FoundHead } from '../image-head.js';
import {
  imagesBelow,
  placesOfImages,
  type ImagePlace,
  type LinkableImage,
} from '../linked-images.js';
import type { Finding, PointFault } from '../point-fault.js';

const FORMAT = 'vmdk';
const RAW = 'raw';

/** A disk of a folder, or a state of one that a snapshot keeps. */
export interface FolderImage extends LinkableImage {
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

/** The image that shows a disk now. Where its definition says that it lies is a place on the host. */
export function imageOf({ fileName }: VmxDisk, images: FolderImages): FolderImage | undefined {
  return imageNamed(fileName, images);
}

function imageNamed(path: string, images: FolderImages): FolderImage | undefined {
  const named = [...images.keys()].map((image) => ({ name: image.entry.name, image }));
  return fileNamed(named, baseName(path.replaceAll('\\', '/')))?.image;
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

export interface MachineDisks {
  readonly disks: readonly SourceDisk[];
  /** Those of the images that travel beside the disks as they are: what a snapshot is of, and descriptions of flat disks. */
  readonly beside: readonly ClaimedFile[];
  readonly files: readonly ClaimedFile[];
  readonly faults: readonly PointFault[];
  /** As `SourceRestorePoint.leftOut`: a machine may have disks in several folders. */
  readonly leftOut: string | undefined;
}

/** Each disk as it is now, in one file. */
export function machineDisks(named: readonly VmxDisk[], images: FolderImages): MachineDisks {
  const disks: SourceDisk[] = [];
  const faults: PointFault[] = [];
  const tops: FolderImage[] = [];
  const absent: string[] = [];
  for (const disk of named) {
    const top = imageOf(disk, images);
    if (top === undefined) {
      const { node, fileName } = disk;
      absent.push(`the disk ${JSON.stringify(fileName)} (${node})`);
      continue;
    }
    tops.push(top);
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
    leftOut: absent.length === 0 ? undefined : `its folder does not hold ${absent.join(', ')}`,
    beside: [...filesOf(others), ...descriptions.map(({ entry }) => entry)],
  };
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
