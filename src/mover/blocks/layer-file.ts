import { BackupError } from '../../domain/errors.js';
import { sameStamp, type FileStamp } from '../../domain/file-stamp.js';
import { type SourceImage } from '../../domain/sources/source-workload.js';
import type { Digest } from '../../domain/targets/digest.js';
import type { TargetDisk } from '../../domain/targets/target-point.js';
import { fileByteSource, type ByteSource } from '../../image/byte-source.js';
import {
  BLOCK_DIRECT,
  BLOCK_ENCODED,
  headOfImage,
  type DiskImage,
  type ImageHead,
} from '../../image/disk-image.js';
import { heldDisksOf, imageFormat, openImage } from '../../image/formats.js';
import { provenContent } from '../../layout/file-facts.js';
import { fileNamed } from '../../layout/images/image-head.js';
import { extentMissing, type ImageExtents } from '../../image/image-format.js';
import type { ReadableFile } from '../../repository/backup-repository.js';
import type { MoverContext } from '../task/mover-context.js';
import { openTogether, withOpenFiles, type OpenFiles } from '../task/open-files.js';
import { provenBytes } from './proven-bytes.js';

/** One image of a stack. Which lies below which is decided by the catalogue, never by a path inside an image. */
export interface LayerFile extends Omit<SourceImage, 'stamp'> {
  readonly repositoryId: string;
  /** What the file must still be; null: not checked. */
  readonly stamp: FileStamp | null;
  /** `ImageFormat.writeMark` when it was planned to be read. Absent: its format has none, or it was not opened then. */
  readonly writeMark?: string;
  /** Of its digest table: names what is in it, however often it is healed. Absent: of another's file, or one that is being changed. */
  readonly tableDigest?: Digest;
  /** Longhaul has written it: a record of a chain lists it. Absent: it has not, or it was planned by an earlier build. */
  readonly isOwn?: true;
  /** Its tables are compared with their digests when they are read, as the blocks are: one bit of them shows a block in the place of another. Not while the file
   *  is being changed. */
  readonly provesTables?: true;
  /** The disk that is meant of those that the file holds (`HeldDisks`); absent: the file itself. */
  readonly within?: { readonly name: string | null };
}

/** The file of a disk of a target point, whatever it is just now. */
export function targetLayer(
  place: { readonly targetRepositoryId: string; readonly chain: string },
  { path, format }: TargetDisk,
): LayerFile {
  return {
    repositoryId: place.targetRepositoryId,
    path: `${place.chain}/${path}`,
    format,
    stamp: null,
    isOwn: true,
  };
}

/** One image without its parents. */
export interface OpenLayer {
  readonly image: DiskImage;
  /** Of the image itself, not of its extents. */
  readonly file: ReadableFile;
  readonly sizeBytes: number;
  readonly close: () => Promise<void>;
}

/** Opens the image; its extents when it asks for them.
 *  @throws SOURCE_CHANGED when a file is not what its stamp says, IMAGE_… when it cannot be read */
export async function openLayer(context: MoverContext, layer: LayerFile): Promise<OpenLayer> {
  return openTogether(async (files) => {
    const file = await openUnchanged(context, layer, layer, files);
    const repository = await context.source(layer.repositoryId);
    const content = provenContent(repository, { path: layer.path, stamp: await file.stamp() });
    const source = await fileByteSource(file, content);
    const image =
      layer.within === undefined
        ? await openImage(
            await withProvenTables(context, layer, { file, source }, files),
            layer.format,
            extentsOf(context, layer, files),
          )
        : await openHeld(context, layer, layer.within, source, files);
    if (layer.writeMark !== undefined && layer.writeMark !== image.writeMark)
      throw sourceChanged(layer);
    return { image, file, sizeBytes: source.sizeBytes, close: () => files.close() };
  });
}

/** What an image reader reads of a file are its tables, and blocks that it alone can put together. */
async function withProvenTables(
  context: MoverContext,
  layer: LayerFile,
  { file, source }: { readonly file: ReadableFile; readonly source: ByteSource },
  files: OpenFiles,
): Promise<ByteSource> {
  const { repositoryId, digestsPath } = layer;
  if (layer.provesTables !== true || digestsPath === undefined) return source;
  const repository = await context.source(repositoryId);
  const digests = files.add(await repository.openRead(digestsPath));
  const proven = await provenBytes(source, digests);
  const { sameness } = source;
  let before: Promise<unknown> = Promise.resolve();
  return {
    ...proven,
    // What was found out without proof is not taken for proven.
    sameness: sameness === undefined ? undefined : `${sameness} proven`,
    // One after the other.
    read: (target, offset) => {
      const read = before.then(() => proven.read(target, offset));
      before = read.catch(() => undefined);
      return read.catch(async (error: unknown) => {
        if (layer.stamp !== null && !sameStamp(await file.stamp(), layer.stamp))
          throw sourceChanged(layer);
        throw error;
      });
    },
  };
}

/** A disk within a file: what it is made of is read unit by unit, each compared with its digest where it has one, because blocks of the disk are no units
 *  of the file. */
async function openHeld(
  context: MoverContext,
  { repositoryId, format, path, digestsPath }: LayerFile,
  { name }: NonNullable<LayerFile['within']>,
  source: ByteSource,
  files: OpenFiles,
): Promise<DiskImage> {
  const held = heldDisksOf(format);
  if (held === null) throw new Error(`plan: ${path} holds no disks`);
  if (digestsPath === undefined) return readAlone(await held.open(source, name));
  const repository = await context.source(repositoryId);
  const digests = files.add(await repository.openRead(digestsPath));
  return readAlone(await held.open(await provenBytes(source, digests), name));
}

/** A disk within a file says where its blocks lie in what it is made of: that is no place in the file, so nothing but the image itself reads them. */
function readAlone(image: DiskImage): DiskImage {
  return {
    ...headOfImage(image),
    ...{ format: image.format, label: image.label },
    mapBlocks: async (firstBlock, count, reuse) => {
      const map = await image.mapBlocks(firstBlock, count, reuse);
      for (let i = 0; i < map.states.length; i++) {
        if (map.states[i] !== BLOCK_DIRECT) continue;
        map.states[i] = BLOCK_ENCODED;
        map.hostOffsets[i] = 0;
      }
      return map;
    },
    nextHeldBlock: (block) => image.nextHeldBlock(block),
    read: (target, offset, below) => image.read(target, offset, below),
    get tableBytes() {
      return image.tableBytes ?? 0;
    },
    ...(image.keepTables === undefined
      ? {}
      : { keepTables: (maxBytes: number) => image.keepTables!(maxBytes) }),
  };
}

/** Names of the disks that a file of a target holds; null: it holds none that could be told.
 *  @throws SOURCE_CHANGED, IMAGE_…, BLOCK_DIGEST_MISMATCH */
export function heldDiskNames(
  context: MoverContext,
  layer: LayerFile,
): Promise<readonly (string | null)[] | null> {
  const held = heldDisksOf(layer.format);
  return held === null
    ? Promise.resolve(null)
    : askProven(context, layer, (source) => held.list(source));
}

/** Names of what else in a file of a target may be a disk, and is not read.
 *  @throws as `heldDiskNames` */
export function unreadDiskNames(
  context: MoverContext,
  layer: LayerFile,
): Promise<readonly string[]> {
  const { unread } = heldDisksOf(layer.format) ?? {};
  return unread === undefined ? Promise.resolve([]) : askProven(context, layer, unread);
}

/** What the bytes of a file say, each unit compared with its digest where it has one. */
function askProven<T>(
  context: MoverContext,
  layer: LayerFile,
  ask: (source: ByteSource) => Promise<T>,
): Promise<T> {
  return withOpenFiles(async (files) => {
    const source = await fileByteSource(await openUnchanged(context, layer, layer, files));
    if (layer.digestsPath === undefined) return ask(source);
    const repository = await context.source(layer.repositoryId);
    const digests = files.add(await repository.openRead(layer.digestsPath));
    return ask(await provenBytes(source, digests));
  });
}

/** What the file of a disk of a target point says of itself.
 *  @throws IMAGE_…, FILE_MISSING */
export function readTargetHead(
  context: MoverContext,
  place: { readonly targetRepositoryId: string; readonly chain: string },
  disk: TargetDisk,
): Promise<ImageHead> {
  return readLayerHead(context, targetLayer(place, disk));
}

/** What an image says of itself, without its tables.
 *  @throws SOURCE_CHANGED when a file is not what its stamp says, IMAGE_…, FILE_MISSING */
export function readLayerHead(context: MoverContext, layer: LayerFile): Promise<ImageHead> {
  return withOpenFiles(async (files) => {
    const source = await fileByteSource(await openUnchanged(context, layer, layer, files));
    return imageFormat(layer.format, layer.path).readHead(source, extentsOf(context, layer, files));
  });
}

function extentsOf(context: MoverContext, layer: LayerFile, files: OpenFiles): ImageExtents {
  const opened = new Map<string, Promise<ByteSource>>();
  const open = async (name: string): Promise<ByteSource> => {
    const extent = fileNamed(layer.extents ?? [], name);
    if (extent === undefined) throw extentMissing(layer.path, name);
    return fileByteSource(await openUnchanged(context, layer, extent, files));
  };
  return {
    open: (name) => {
      const source = opened.get(name) ?? open(name);
      opened.set(name, source);
      return source;
    },
  };
}

/** @throws SOURCE_CHANGED when the file is not what its stamp says */
export async function openUnchanged(
  context: MoverContext,
  layer: LayerFile,
  { path, stamp }: { readonly path: string; readonly stamp: FileStamp | null },
  files: OpenFiles,
): Promise<ReadableFile> {
  const repository = await context.source(layer.repositoryId);
  const file = files.add(await repository.openRead(path));
  if (stamp !== null && !sameStamp(await file.stamp(), stamp)) throw sourceChanged(layer, path);
  return file;
}

/** The stamp holds the inode: a name with the same stamp names the file that is open, and says the same of it.
 *  @throws SOURCE_CHANGED when one of the layer's files was written, cut or exchanged since it was found */
export async function assertLayerUnchanged(context: MoverContext, layer: LayerFile): Promise<void> {
  if (layer.stamp === null) return;
  const repository = await context.source(layer.repositoryId);
  const { path, stamp, extents = [] } = layer;
  for (const file of [{ path, stamp }, ...extents]) {
    const entry = await repository.stat(file.path);
    if (entry === null || !sameStamp(entry.stamp, file.stamp))
      throw sourceChanged(layer, file.path);
  }
  if (!(await areUnwritten(context, [layer]))) throw sourceChanged(layer);
}

/** Whether nobody has opened these files to write since their marks were taken, as far as their formats tell: the stamps may still be the same then. */
export async function areUnwritten(
  context: MoverContext,
  layers: readonly LayerFile[],
): Promise<boolean> {
  for (const { repositoryId, path, format, writeMark } of layers) {
    if (writeMark === undefined) continue;
    const repository = await context.source(repositoryId);
    const now = await withOpenFiles(async (files) => {
      const source = await fileByteSource(files.add(await repository.openRead(path)));
      return imageFormat(format, path).writeMark?.(source);
    });
    if (now !== writeMark) return false;
  }
  return true;
}

/** Whether both name the same files, untouched. */
export function sameLayer(a: LayerFile, b: LayerFile): boolean {
  const others = b.extents ?? [];
  return (
    isSameFile(a, b) &&
    a.within?.name === b.within?.name &&
    (a.extents ?? []).length === others.length &&
    (a.extents ?? []).every((extent, i) => isSameFile(extent, others[i]!))
  );
}

/** Whether both are the same bytes, or should be: what is read of them is compared with its digest. Without that on either side nothing but the same file,
 *  untouched, is the same. */
export function sameContent(a: LayerFile, b: LayerFile): boolean {
  if (a.tableDigest === undefined || b.tableDigest === undefined)
    return sameLayer(a, b) && a.digestsPath === b.digestsPath;
  return a.path === b.path && a.tableDigest === b.tableDigest && a.within?.name === b.within?.name;
}

function isSameFile(
  a: { readonly path: string; readonly stamp: FileStamp | null },
  b: { readonly path: string; readonly stamp: FileStamp | null },
): boolean {
  return a.path === b.path && sameStamp(a.stamp!, b.stamp!);
}

/** @param path of the file; absent: of the image */
export function sourceChanged(
  layer: LayerFile,
  path = layer.path,
  what = 'changed while it was being copied',
): BackupError {
  return new BackupError('SOURCE_CHANGED', `${path} ${what}`, {
    details: { repositoryId: layer.repositoryId, path },
  });
}
