import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { availablePoints, type ChainRecord } from '../../../src/chain/chain-record.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { isBackupError } from '../../../src/domain/errors.js';
import type { FormatId } from '../../../src/domain/sources/source-workload.js';
import type { TargetDisk, TargetRestorePoint } from '../../../src/domain/targets/target-point.js';
import { IMAGE_FORMATS, imageFormat } from '../../../src/image/formats.js';
import { ImageStack } from '../../../src/mover/blocks/image-stack.js';
import { openLayer, type LayerFile } from '../../../src/mover/blocks/layer-file.js';
import type { MoverContext } from '../../../src/mover/task/mover-context.js';
import { targetLayersOf } from '../../../src/mover/copy/scan-plan.js';
import { withVerifier } from '../../../src/mover/blocks/verify-units.js';
import type {
  BackupRepository,
  SourceRepository,
} from '../../../src/repository/backup-repository.js';
import { readWholeFile } from '../../../src/repository/replace-file.js';
import { InProcessMover } from '../mover/in-process-mover.js';
import type { SourceChain } from './source-chain.js';

/** A target chain as a scenario leaves it, and what its points must read as. */
export interface ChainUnderTest {
  /** Of its disk files. Where their names end otherwise, they are of the format that has that ending: increments of a raw disk. */
  readonly format: FormatId;
  readonly chain: string;
  /** Of a copy by its own id where that is there (what it was copied from is not what the source shows now), else by the id of its source point. */
  readonly truth: SourceChain['truth'];
  readonly companions: SourceChain['companions'];
  /** Ids of points whose files stay damaged; the truth is what they read as. */
  readonly corrupt: readonly string[];
}

export interface PointFault {
  readonly pointId: string;
  /** In words. */
  readonly text: string;
}

export interface Reading {
  /** Ids of the points that the commit record shows; none when it cannot be read. */
  readonly shown: readonly string[];
  /** Ids of their source points: what is copied again lies under another id, and is shown by one of both at any time. */
  readonly shownSources: readonly string[];
  /** Why points do not read as they must. */
  readonly faults: readonly PointFault[];
}

const PIECE_BYTES = 1024 * 1024;
const MAX_TABLE_BYTES = 1024 * 1024;

/** What the disks of a copy must read as, by their ids. */
export function truthOf(
  { truth }: Pick<ChainUnderTest, 'truth'>,
  { id, source }: Pick<TargetRestorePoint, 'id' | 'source'>,
): ReadonlyMap<string, Buffer> | undefined {
  return truth.get(id) ?? truth.get(source.restorePointId);
}

/** Reads every point that the commit record shows, as an administrator without Longhaul does: the named file and, through the relative
 *  names stored in the files, its parents. Where the record tells of other files than those names, it is read that way too. The files that
 *  describe the machine must be there, with the digest that the record gives.
 *  @param unread ids of points that were damaged before and need not be right yet */
export async function readShownPoints(
  target: BackupRepository,
  under: ChainUnderTest,
  unread: readonly string[] = [],
): Promise<Reading> {
  const { format, chain, companions } = under;
  const record = await recordOf(target, chain);
  if (record === null) return { shown: [], shownSources: [], faults: [] };
  const faults: PointFault[] = [];
  const context = new InProcessMover(target).context();
  const points = availablePoints(record);
  for (const point of points.filter(({ id }) => !unread.includes(id))) {
    const disks = truthOf(under, point);
    const note = (text: string) => faults.push({ pointId: point.id, text });
    for (const text of await faultsOfCompanions(target, chain, point, companions)) note(text);
    if (point.disks.length !== disks?.size) note(`has ${point.disks.length} disks`);
    for (const { disk, path } of point.disks) {
      const expected = disks?.get(disk) ?? Buffer.alloc(0);
      for (const layers of await waysToRead(context, target, record, {
        format,
        chain,
        point,
        disk,
        path,
      })) {
        const fault = await faultOf(context, layers, expected);
        if (fault !== null) note(`disk ${disk.slice(-4)}: ${fault}`);
      }
    }
  }
  return {
    shown: points.map(({ id }) => id),
    shownSources: points.map(({ source }) => source.restorePointId),
    faults,
  };
}

async function faultsOfCompanions(
  target: SourceRepository,
  chain: string,
  { companions }: TargetRestorePoint,
  expected: SourceChain['companions'],
): Promise<string[]> {
  const faults: string[] = [];
  const names = new Set(companions.map(({ path }) => posix.basename(path)));
  if (names.size !== expected.size) faults.push(`has ${names.size} companions`);
  for (const { path, sizeBytes, digest } of companions) {
    const bytes = await readWholeFile(target, `${chain}/${path}`, MAX_TABLE_BYTES);
    const source = expected.get(posix.basename(path));
    if (bytes === null || source?.equals(bytes) !== true)
      faults.push(`${path} is missing or has other bytes`);
    else if (bytes.length !== sizeBytes || sha256(bytes) !== digest)
      faults.push(`${path} has another size or digest in the record`);
  }
  return faults;
}

/** null: there is none, or none that can be trusted. */
async function recordOf(target: SourceRepository, chain: string): Promise<ChainRecord | null> {
  try {
    return await readChainRecord(target, chain);
  } catch (error) {
    if (isBackupError(error)) return null;
    throw error;
  }
}

async function waysToRead(
  context: MoverContext,
  target: SourceRepository,
  record: ChainRecord,
  file: {
    readonly format: FormatId;
    readonly chain: string;
    readonly point: TargetRestorePoint;
    readonly disk: string;
    readonly path: string;
  },
): Promise<LayerFile[][]> {
  const { format, chain, point, disk, path } = file;
  const place = { targetRepositoryId: target.id, chain };
  const byRecord = targetLayersOf(record, place, point.id, disk).map((layer) =>
    asLayer(target.id, layer.path, format),
  );
  const byNames = await layersByName(
    context,
    asLayer(target.id, `${chain}/${path}`, format),
    format,
  );
  const isSame = byNames.every((layer, index) => layer.path === byRecord[index]?.path);
  return isSame ? [byNames] : [byNames, byRecord];
}

/** A file and its parents by their stored names; a file that cannot be opened ends the list and fails when it is read. */
async function layersByName(
  context: MoverContext,
  file: LayerFile,
  format: FormatId,
): Promise<LayerFile[]> {
  const layers = [file];
  for (;;) {
    const top = layers[layers.length - 1] ?? file;
    const name = await parentName(context, top);
    if (name === null || layers.length > MAX_CHAIN_LENGTH) return layers;
    layers.push(asLayer(top.repositoryId, posix.join(posix.dirname(top.path), name), format));
  }
}

const MAX_CHAIN_LENGTH = 20;

async function parentName(context: MoverContext, file: LayerFile): Promise<string | null> {
  try {
    const layer = await openLayer(context, file);
    await layer.close();
    return layer.image.parent?.name ?? null;
  } catch (error) {
    if (isBackupError(error)) return null;
    throw error;
  }
}

function asLayer(repositoryId: string, path: string, usual: FormatId): LayerFile {
  return { repositoryId, path, format: formatOf(path, usual), stamp: null };
}

function formatOf(path: string, usual: FormatId): FormatId {
  const hasEnding = (id: FormatId) => path.endsWith(`.${imageFormat(id).extension}`);
  if (hasEnding(usual)) return usual;
  return IMAGE_FORMATS.find(({ id }) => hasEnding(id))?.id ?? usual;
}

async function faultOf(
  context: MoverContext,
  layers: readonly LayerFile[],
  expected: Buffer,
): Promise<string | null> {
  try {
    const stack = await ImageStack.open(context, layers);
    if (stack.virtualSizeBytes !== expected.length)
      return `has ${stack.virtualSizeBytes} bytes, not ${expected.length}`;
    const piece = Buffer.alloc(PIECE_BYTES);
    for (let offset = 0; offset < expected.length; offset += PIECE_BYTES) {
      const part = piece.subarray(0, Math.min(PIECE_BYTES, expected.length - offset));
      await stack.read(part, offset);
      if (!part.equals(expected.subarray(offset, offset + part.length)))
        return `other bytes in the ${PIECE_BYTES} from ${offset}`;
    }
    await stack.close();
    return null;
  } catch (error) {
    if (isBackupError(error)) return error.message;
    throw error;
  }
}

/** Whether every file of the chain is what the commit record says: sizes, digest tables, blocks, machine description files. Disks of corrupt
 *  points are passed over. */
export async function faultsOfDigests(
  target: BackupRepository,
  { chain, corrupt }: ChainUnderTest,
): Promise<string[]> {
  const record = await recordOf(target, chain);
  if (record === null) return [];
  const context = new InProcessMover(target).context();
  const faults: string[] = [];
  for (const { id, disks, companions } of record.points) {
    for (const disk of corrupt.includes(id) ? [] : disks)
      faults.push(...(await faultsOfDisk(context, target, chain, disk)));
    for (const { path, digest } of companions)
      if ((await fileDigest(target, `${chain}/${path}`)) !== digest)
        faults.push(`${path} does not have its digest`);
  }
  return faults;
}

async function faultsOfDisk(
  context: MoverContext,
  target: SourceRepository,
  chain: string,
  disk: TargetDisk,
): Promise<string[]> {
  const faults: string[] = [];
  const entry = await target.stat(`${chain}/${disk.path}`);
  if (entry?.stamp.sizeBytes !== disk.sizeBytes) faults.push(`${disk.path} has another size`);
  if ((await fileDigest(target, `${chain}/${disk.digests.path}`)) !== disk.digests.tableDigest)
    faults.push(`${disk.digests.path} is not the table that the record names`);
  try {
    const place = { repositoryId: target.id, chain };
    const bad = await withVerifier(context, place, disk, (verifier) =>
      verifier.badUnits(0, verifier.units.count),
    );
    if (bad.length > 0) faults.push(`${disk.path}: units ${bad.join(', ')} are bad`);
  } catch (error) {
    if (!isBackupError(error)) throw error;
    faults.push(error.message);
  }
  return faults;
}

/** Of one file, read whole; null: it is not there. */
export async function fileDigest(
  target: SourceRepository,
  path: string,
  maxBytes = MAX_TABLE_BYTES,
): Promise<string | null> {
  const bytes = await readWholeFile(target, path, maxBytes);
  return bytes === null ? null : sha256(bytes);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
