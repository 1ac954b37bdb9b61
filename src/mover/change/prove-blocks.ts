import type { ChainPlace } from '../../chain/chain-place.js';
import { readDigestTableHeader } from '../../chain/digests/digest-table.js';
import { BLOCK_BYTES, WINDOW_BLOCKS } from '../../domain/targets/digest.js';
import { BackupError } from '../../domain/errors.js';
import type { TargetDisk } from '../../domain/targets/target-point.js';
import type { FileUnits } from '../../domain/targets/file-units.js';
import { fileByteSource } from '../../image/byte-source.js';
import { BLOCK_DIRECT, MAP_BLOCKS, type BlockMap, type DiskImage } from '../../image/disk-image.js';
import { imageFormat } from '../../image/formats.js';
import { UnitSet } from '../blocks/unit-set.js';
import { UnitVerifier } from '../blocks/verify-units.js';
import { windowCountOf } from '../staging/copy-plan.js';
import type { MoverContext } from '../task/mover-context.js';
import { withOpenFiles } from '../task/open-files.js';
import type { WindowWorker } from '../task/window-loop.js';

/** A backup file and its digest table, and the windows in which the one is compared with the other. */
export interface DiskProof {
  readonly imagePath: string;
  readonly digestsPath: string;
  readonly unitCount: number;
  readonly windowCount: number;
}

export async function proofOf(
  { repository, chain }: ChainPlace,
  { path, digests }: TargetDisk,
): Promise<DiskProof> {
  const digestsPath = `${chain}/${digests.path}`;
  const table = await repository.openRead(digestsPath);
  try {
    const { count: unitCount } = (await readDigestTableHeader(table)).units;
    const windowCount = windowCountOf(unitCount);
    return { imagePath: `${chain}/${path}`, digestsPath, unitCount, windowCount };
  } finally {
    await table.close();
  }
}

/** Proves windows of a backup file to be what was written, before anything is built on them. Leaves no trace: who asks again, proves again.
 *  @throws BLOCK_DIGEST_MISMATCH for the first block of a window that is not */
export async function openProofWorker(
  context: MoverContext,
  input: DiskProof & { readonly targetRepositoryId: string },
): Promise<WindowWorker> {
  const repository = await context.source(input.targetRepositoryId);
  const verifier = await UnitVerifier.open(repository, input.imagePath, input.digestsPath);
  return {
    async process(window) {
      const first = window * WINDOW_BLOCKS;
      const count = Math.min(WINDOW_BLOCKS, input.unitCount - first);
      const [bad] = await verifier.damagedUnits(first, count);
      if (bad !== undefined) throw badBlock(input.imagePath, verifier.units.rangeOf(bad).offset);
      context.control.add('readBytes', count * BLOCK_BYTES);
      return { bytes: count * BLOCK_BYTES, mark: () => Promise.resolve() };
    },
    sync: () => Promise.resolve(),
    close: () => verifier.close(),
  };
}

/** Proves all of a backup file that is no stored block: header, tables, counts, what nothing refers to. Whoever changes the file in place digests them anew, and
 *  would vouch for what had gone bad: a table that leads to the block of another place reads well for ever. Memory: a bit for each unit.
 *  @throws BLOCK_DIGEST_MISMATCH */
export async function proveTables(
  context: MoverContext,
  place: ChainPlace,
  { path, digests, format }: TargetDisk,
): Promise<void> {
  const [imagePath, digestsPath] = [path, digests.path].map((each) => `${place.chain}/${each}`);
  await withOpenFiles(async (files) => {
    const verifier = files.add(await UnitVerifier.open(place.repository, imagePath!, digestsPath!));
    const { units } = verifier;
    const source = await fileByteSource(files.add(await place.repository.openRead(imagePath!)));
    const image = await imageFormat(format).open(source);
    const stored = await storedUnits(context, image, units);
    for (let first = 0; first < units.count;) {
      let end = first;
      while (end < units.count && end - first < WINDOW_BLOCKS && !stored.has(end)) end++;
      const [bad] = await verifier.damagedUnits(first, end - first);
      if (bad !== undefined) throw badBlock(imagePath!, units.rangeOf(bad).offset);
      context.control.throwIfStopped();
      first = end;
      while (first < units.count && stored.has(first)) first++;
    }
  });
}

async function storedUnits(
  context: MoverContext,
  image: DiskImage,
  units: FileUnits,
): Promise<UnitSet> {
  const stored = new UnitSet(units.count);
  const blockCount = Math.ceil(image.virtualSizeBytes / BLOCK_BYTES);
  let map: BlockMap | undefined;
  for (
    let first = image.nextHeldBlock(0);
    first < blockCount;
    first = image.nextHeldBlock(first + MAP_BLOCKS)
  ) {
    context.control.throwIfStopped();
    map = await image.mapBlocks(first, Math.min(MAP_BLOCKS, blockCount - first), map);
    for (const [i, state] of map.states.entries())
      if (state === BLOCK_DIRECT) stored.add(units.unitAt(map.hostOffsets[i]!));
  }
  return stored;
}

function badBlock(path: string, offset: number): BackupError {
  return new BackupError(
    'BLOCK_DIGEST_MISMATCH',
    `${path}: the block at byte ${offset} does not have its digest, or cannot be read`,
    { details: { path, offset } },
  );
}
