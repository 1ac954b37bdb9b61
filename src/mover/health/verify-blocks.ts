import { stagingFolder } from '../../chain/chain-paths.js';
import type { Damage } from '../../domain/targets/damage.js';
import type { DiskWork } from '../../domain/targets/disk-work.js';
import { BLOCK_BYTES, WINDOW_BLOCKS } from '../../domain/targets/digest.js';
import { BackupError, isBackupError } from '../../domain/errors.js';
import { verifyStagingId } from '../../domain/targets/staging-id.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import { BlockBits, packBits } from '../blocks/block-bits.js';
import { verificationJournal } from '../staging/journals.js';
import type { MoverContext } from '../task/mover-context.js';
import { openTogether } from '../task/open-files.js';
import { discardStaging } from '../staging/staging.js';
import {
  endVerification,
  foundBefore,
  preparedPoint,
  verificationToken,
  type BegunVerification,
  type VerificationFound,
} from './verify-plan.js';
import { pointContent } from './mark-verified.js';
import { UnitVerifier } from '../blocks/verify-units.js';
import {
  firstOpenWindow,
  JournalWriter,
  WindowJournal,
  type JournalPlace,
} from '../task/window-journal.js';
import type { WindowWorker } from '../task/window-loop.js';

interface VerifyBlocksInput extends BegunVerification {
  readonly disk: string;
}

/** Reads windows of units of a point's file and notes which do not have their digest, or cannot be read. */
export async function openVerifyWorker(
  context: MoverContext,
  input: VerifyBlocksInput,
): Promise<WindowWorker> {
  const repository = await context.repository(input.targetRepositoryId);
  const point = await preparedPoint(repository, input);
  const disk = point.disks.find((entry) => entry.disk === input.disk);
  if (disk === undefined)
    throw new BackupError('STAGING_INVALID', `the point has no disk ${input.disk} any more`);
  const staging = stagingFolder(input.chain, verifyStagingId(input.pointId));
  const journal = verificationJournal(staging, disk.disk, verificationToken(point));
  return openTogether(async (files) => {
    const [image, digests] = [`${input.chain}/${disk.path}`, `${input.chain}/${disk.digests.path}`];
    const verifier = files.add(await UnitVerifier.open(repository, image, digests));
    const notes = files.add(await repository.openWork(journal.path, journal.token));
    const writer = new JournalWriter(notes, journal);
    return {
      async process(window) {
        const first = window * WINDOW_BLOCKS;
        const count = Math.min(WINDOW_BLOCKS, verifier.units.count - first);
        const bad = new Uint8Array(count);
        for (const unit of await verifier.damagedUnits(first, count)) bad[unit - first] = 1;
        context.control.add('readBytes', count * BLOCK_BYTES);
        const mark = async () => {
          await writer.seal(window, packBits(bad));
          context.control.add('processedBlocks', count);
        };
        return { bytes: count * BLOCK_BYTES, mark };
      },
      sync: () => Promise.resolve(), // what a power cut takes of the notes is looked for again
      close: () => files.close(),
    };
  });
}

/** Damaged blocks that are listed one by one; a file with more is a case for a new full. */
const MAX_LISTED_UNITS = 1000;
/** Of all disks of a point together, because one answer carries them. */
const MAX_LISTED_UNITS_OF_POINT = 20_000;
const MAP_UNITS = 65_536;

/** What the finished verification found, in which files, and the end of its notes and lease. Done again, because nobody got the answer, it is the same. The
 *  notes are the only witness: where they are gone before that (a power cut, another verification of the point), nothing is said.
 *  @param input.disks with the windows that were to be read, as `prepareVerification` gave them
 *  @throws STAGING_INVALID when the notes do not vouch for every window, and are gone then: the point has to be verified again */
export async function collectDamage(
  context: MoverContext,
  input: BegunVerification & {
    readonly disks: readonly Pick<DiskWork, 'disk' | 'blockCount' | 'windowCount'>[];
  },
): Promise<VerificationFound> {
  const repository = await context.repository(input.targetRepositoryId);
  const before = await foundBefore(repository, input);
  if (before !== null) {
    await endVerification(repository, input, before);
    return before;
  }
  const point = await preparedPoint(repository, input);
  const staging = stagingFolder(input.chain, verifyStagingId(input.pointId));
  const damage: Damage[] = [];
  let listed = 0;
  try {
    for (const { disk, blockCount, windowCount } of input.disks) {
      if (windowCount === 0) continue;
      const journal = verificationJournal(staging, disk, verificationToken(point));
      await assertNoted(repository, journal, { disk, windowCount });
      // At least one, which is read again before anything is said of the disk.
      const most = Math.max(1, Math.min(MAX_LISTED_UNITS, MAX_LISTED_UNITS_OF_POINT - listed));
      const found = await badUnitsOf(repository, journal, blockCount, most);
      listed += found.units.length;
      if (found.count > 0) damage.push({ type: 'units', disk, ...found });
    }
  } catch (error) {
    // What is left of the notes would be taken up again, and be as wrong as now.
    if (isBackupError(error, 'STAGING_INVALID')) await discardStaging(repository, staging);
    throw error;
  }
  const found = { damage, content: pointContent(point) };
  await endVerification(repository, input, found);
  return found;
}

async function assertNoted(
  repository: BackupRepository,
  journal: JournalPlace,
  { disk, windowCount }: Pick<DiskWork, 'disk' | 'windowCount'>,
): Promise<void> {
  if ((await firstOpenWindow(repository, journal, windowCount)) === windowCount) return;
  throw new BackupError(
    'STAGING_INVALID',
    `what the verification of disk ${disk} noted in ${journal.path} is gone: it has to be read again`,
  );
}

async function badUnitsOf(
  repository: BackupRepository,
  journal: JournalPlace,
  unitCount: number,
  mostListed: number,
): Promise<{ units: number[]; count: number }> {
  const file = await repository.openWork(journal.path, journal.token, 'existing');
  try {
    const map = new BlockBits(new WindowJournal(file, journal));
    const units: number[] = [];
    let count = 0;
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
