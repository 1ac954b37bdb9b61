import type { SourceDisk, SourceExtent } from '../../domain/sources/source-workload.js';
import type { ClaimedFile } from '../backup-layout.js';
import type { FolderFacts } from '../file-facts.js';
import { fullDisk } from '../images/full-point.js';
import { readImageHead } from '../images/image-head.js';
import { broken, incomplete, type Finding, type PointFault } from '../point-fault.js';
import { descriptorOfExtent, isExtentOf } from './names.js';
import type { VmxDisk } from './vmx-file.js';
import { lastName } from '../../repository/repository-path.js';

const DISK_FORMAT = 'vmdk';
const RAW = 'raw';

/** Descriptor or extent. */
export function isOfDisk({ within }: ClaimedFile, { fileName }: VmxDisk): boolean {
  const descriptor = placeOf(fileName);
  return within === descriptor || isExtentOf(descriptor, within);
}

/** A disk by its descriptor. Its extents lie beside it, under whatever names stand in it: of a descriptor that was renamed they keep theirs. */
export async function readDisk(
  facts: FolderFacts,
  definition: ClaimedFile,
  { node, fileName }: VmxDisk,
  files: readonly ClaimedFile[],
): Promise<Finding<SourceDisk>> {
  const descriptor = files.find(({ within }) => within === placeOf(fileName));
  if (descriptor === undefined)
    return incomplete(
      `the disk ${JSON.stringify(fileName)} (${node}) of ${definition.path} is missing`,
    );
  const folder = folderOf(descriptor.within);
  const beside = files.filter(
    (file) => isVmdk(file) && file !== descriptor && folderOf(file.within) === folder,
  );
  const head = await readImageHead(facts, descriptor, DISK_FORMAT, beside);
  if ('fault' in head) return head;
  const { parent, extents, virtualSizeBytes } = head.value;
  if (parent !== null)
    return broken(
      `${descriptor.path} builds on ${JSON.stringify(parent.name)}, where ghettoVCB leaves fulls`,
    );
  const flat = beside.find((file) => isFlat(file, extents, virtualSizeBytes));
  return {
    value: {
      ...fullDisk(node.replace(':', '-'), DISK_FORMAT, descriptor),
      ...(flat === undefined ? { as: descriptor.within } : { as: flat.within, asFormat: RAW }),
      ...(extents.length === 0 ? {} : { extents }),
    },
  };
}

/** ESX opens a disk of its own kind alone: a descriptor, and all data as they are in a file beside it. */
function isFlat(
  { path, stamp, name }: ClaimedFile,
  extents: readonly SourceExtent[],
  virtualSizeBytes: number,
): boolean {
  const isAll = extents.length === 1 && extents[0]?.path === path;
  return isAll && /-flat\.vmdk$/i.test(name) && stamp.sizeBytes === virtualSizeBytes;
}

/** Where ghettoVCB puts a disk: `disk.vmdk`, or `<datastore>/disk.vmdk` for `/vmfs/volumes/<datastore>/<folder>/disk.vmdk`. */
function placeOf(fileName: string): string {
  const datastore = /^\/vmfs\/volumes\/(?<name>[^/]+)\/.+$/.exec(fileName)?.groups?.['name'];
  return datastore === undefined ? lastName(fileName) : `${datastore}/${lastName(fileName)}`;
}

/** What of a run no disk of its definition is made of. A descriptor that was renamed since is one of those, with all of its data. */
export interface FurtherDisks {
  readonly disks: readonly SourceDisk[];
  /** What cannot be read now may be such a disk. */
  readonly faults: readonly PointFault[];
  /** Of each file that is copied with no disk, and of each such disk: a sentence. */
  readonly notes: readonly string[];
}

/** @param told those that the definition names */
export async function furtherDisks(
  facts: FolderFacts,
  definition: ClaimedFile,
  told: readonly SourceDisk[],
  files: readonly ClaimedFile[],
): Promise<FurtherDisks> {
  const used = new Set(told.flatMap(pathsOf));
  const disks: SourceDisk[] = [];
  const faults: PointFault[] = [];
  for (const file of files) {
    const isDescriptor = isVmdk(file) && descriptorOfExtent(file.name) === null;
    if (!isDescriptor || used.has(file.path)) continue;
    const disk = { node: file.within.replaceAll('/', '-'), fileName: file.within };
    const found = await readDisk(facts, definition, { ...disk, isIndependent: false }, files);
    if ('fault' in found) {
      if (found.fault.state === 'unknown') faults.push(found.fault);
      continue;
    }
    const paths = pathsOf(found.value);
    // A second descriptor of data that are a disk already is no disk of its own.
    if (paths.some((path) => used.has(path))) continue;
    disks.push(found.value);
    for (const path of paths) used.add(path);
  }
  const unused = files.filter((file) => isVmdk(file) && !used.has(file.path));
  return {
    ...{ disks, faults },
    notes: [
      ...disks.map(({ path }) => `${path} is copied, which ${definition.path} does not name`),
      ...unused.map(({ path }) => `${path} is not copied: it is no whole disk of its own`),
    ],
  };
}

function pathsOf({ path, extents = [] }: SourceDisk): string[] {
  return [path, ...extents.map((extent) => extent.path)];
}

/** Lists of changed blocks (`-ctk`) hold no data. */
function isVmdk({ name }: ClaimedFile): boolean {
  return /(?<!-ctk)\.vmdk$/i.test(name);
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}
