import { stagingFolder } from '../../chain/chain-paths.js';
import { releaseLease } from '../../chain/leases.js';
import type { Damage } from '../../domain/damage.js';
import type { DiskWork } from '../../domain/disk-work.js';
import { BLOCK_BYTES, WINDOW_BLOCKS } from '../../domain/digest.js';
import { BackupError, isBackupError } from '../../domain/errors.js';
import { verifyStagingId } from '../../domain/staging-id.js';
import type { BackupRepository, WritableFile } from '../../repository/backup-repository.js';
import { ChangeMap, writeChangeBits } from '../blocks/change-map.js';
import { stagedPath } from '../staging/copy-plan.js';
import { openWindows } from '../staging/disk-work.js';
import type { MoverContext } from '../task/mover-context.js';
import { openTogether } from '../task/open-files.js';
import { discardStaging } from '../staging/staging.js';
import { pointToVerify, type VerifyPointInput } from './verify-plan.js';
import { pointContent } from './mark-verified.js';
import { UnitVerifier } from '../blocks/verify-units.js';
import { markDone } from '../task/window-cursor.js';
import type { WindowWorker } from '../task/window-loop.js';

export interface VerifyBlocksInput extends VerifyPointInput {
  readonly disk: string;
}

/** Reads windows of units of a point's file and notes which do not have their digest. */
export async function openVerifyWorker(
  context: MoverContext,
  input: VerifyBlocksInput,
): Promise<WindowWorker> {
  const repository = await context.repository(input.targetRepositoryId);
  const { point } = await pointToVerify(repository, input);
  const disk = point.disks.find((entry) => entry.disk === input.disk);
  if (disk === undefined)
    throw new BackupError('STAGING_INVALID', `the point has no disk ${input.disk} any more`);
  const staging = stagingFolder(input.chain, verifyStagingId(input.pointId));
  const openNote = (path: string) => repository.openWrite(path, 'open-or-new');
  return openTogether(async (files) => {
    const [image, digests] = [`${input.chain}/${disk.path}`, `${input.chain}/${disk.digests.path}`];
    const verifier = files.add(await UnitVerifier.open(repository, image, digests));
    const bad = files.add(await openNote(stagedPath.changeMap(staging, disk.disk)));
    const cursor = files.add(await openNote(stagedPath.scanCursor(staging, disk.disk)));
    return {
      async process(window) {
        const first = window * WINDOW_BLOCKS;
        const count = Math.min(WINDOW_BLOCKS, verifier.unitCount - first);
        await noteBadUnits(bad, first, count, await verifier.badUnits(first, count));
        context.control.add('readBytes', count * BLOCK_BYTES);
        return async () => {
          await markDone(cursor, window);
          context.control.add('processedBlocks', count);
        };
      },
      sync: () => Promise.resolve(), // what was found is durable already, and what was not may be looked for again
      close: () => files.close(),
    };
  });
}

async function noteBadUnits(
  map: WritableFile,
  first: number,
  count: number,
  units: readonly number[],
): Promise<void> {
  const bits = new Uint8Array(count);
  for (const unit of units) bits[unit - first] = 1;
  await writeChangeBits(map, first, bits);
  if (units.length > 0) await map.sync();
}

/** Damaged blocks that are listed one by one; a file with more is a case for a new full. */
const MAX_LISTED_UNITS = 1000;
/** Of all disks of a point together, because one answer carries them. */
const MAX_LISTED_UNITS_OF_POINT = 20_000;
const MAP_UNITS = 65_536;

/** What the finished verification found, in which files, and the end of its staging folder and lease. The notes are the only witness: where
 *  they are gone (an attempt that died while it removed them, a power cut, another verification of the point), nothing is said.
 *  @param input.disks with the windows that were to be read, as `prepareVerification` gave them
 *  @throws STAGING_INVALID when the notes do not vouch for every window, and are gone then: the point has to be verified again */
export async function collectDamage(
  context: MoverContext,
  input: VerifyPointInput & { readonly disks: readonly Pick<DiskWork, 'disk' | 'windowCount'>[] },
): Promise<{ readonly damage: readonly Damage[]; readonly content: string }> {
  const repository = await context.repository(input.targetRepositoryId);
  const { point } = await pointToVerify(repository, input);
  const staging = stagingFolder(input.chain, verifyStagingId(input.pointId));
  const damage: Damage[] = [];
  let listed = 0;
  try {
    for (const disk of input.disks) await assertNoted(repository, staging, disk);
    for (const { disk, sizeBytes } of point.disks) {
      const most = Math.min(MAX_LISTED_UNITS, MAX_LISTED_UNITS_OF_POINT - listed);
      const map = stagedPath.changeMap(staging, disk);
      const found = await badUnitsOf(repository, map, sizeBytes, most);
      listed += found.units.length;
      if (found.count > 0) damage.push({ type: 'units', disk, ...found });
    }
  } catch (error) {
    // What is left of the notes would be taken up again, and be as wrong as now.
    if (isBackupError(error, 'STAGING_INVALID')) await discardStaging(repository, staging);
    throw error;
  }
  await discardStaging(repository, staging);
  await releaseLease(repository, input.chain, verifyStagingId(input.pointId));
  return { damage, content: pointContent(point) };
}

async function assertNoted(
  repository: BackupRepository,
  staging: string,
  { disk, windowCount }: Pick<DiskWork, 'disk' | 'windowCount'>,
): Promise<void> {
  if (windowCount === 0) return;
  const open = await openWindows(repository, stagedPath.scanCursor(staging, disk), 0, windowCount);
  const map = await repository.stat(stagedPath.changeMap(staging, disk));
  if (open.length === 0 && map !== null) return;
  throw new BackupError(
    'STAGING_INVALID',
    `what the verification of disk ${disk} noted in ${staging} is gone: it has to be read again`,
  );
}

async function badUnitsOf(
  repository: BackupRepository,
  path: string,
  sizeBytes: number,
  mostListed: number,
): Promise<{ units: number[]; count: number }> {
  if ((await repository.stat(path)) === null) return { units: [], count: 0 };
  const file = await repository.openRead(path);
  try {
    const map = new ChangeMap(file);
    const units: number[] = [];
    let count = 0;
    const unitCount = Math.ceil(sizeBytes / BLOCK_BYTES);
    for (let first = 0; first < unitCount; first += MAP_UNITS) {
      const bits = await map.read(first, Math.min(MAP_UNITS, unitCount - first));
      for (let i = bits.indexOf(1); i >= 0; i = bits.indexOf(1, i + 1)) {
        count++;
        if (units.length < mostListed) units.push(first + i);
      }
    }
    return { units, count };
  } finally {
    await file.close();
  }
}
