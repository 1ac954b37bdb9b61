import { stagingFolder } from '../../chain/chain-paths.js';
import { lineageOf } from '../../chain/chain-record.js';
import { ownedChainRecord } from '../../chain/chain-store.js';
import { isBackupError } from '../../domain/errors.js';
import { healStagingId } from '../../domain/targets/staging-id.js';
import type { TargetCompanion } from '../../domain/targets/target-point.js';
import type { BackupRepository, SourceRepository } from '../../repository/backup-repository.js';
import { contentDigest } from '../blocks/file-digest.js';
import { copyCompanion } from '../copy/copy-companions.js';
import { pointFiles } from '../source/point-files.js';
import type { CompanionFile } from '../blocks/companion-file.js';
import type { MoverContext } from '../task/mover-context.js';
import { withOpenFiles } from '../task/open-files.js';
import { healingPoint, mayAnswerLater, type HealInput } from './healing-source.js';
import { newToken } from '../staging/copy-plan.js';

interface HealCompanionInput extends Omit<HealInput, 'disk' | 'units'> {
  /** As the record names it. */
  readonly path: string;
}

interface CompanionOutcome {
  readonly isHealed: boolean;
  /** The source could not be asked just now. */
  readonly isSourceUnknown: boolean;
  /** It is as it was written already: an attempt before has healed it, or the storage reads it again. */
  readonly wasRight?: true;
}

/** Takes a companion from the source again when that still has the very bytes that were copied: it is written beside, read back, and renamed over
 *  the damaged one. */
export async function healCompanion(
  context: MoverContext,
  input: HealCompanionInput,
): Promise<CompanionOutcome> {
  const repository = await context.repository(input.targetRepositoryId);
  const record = await ownedChainRecord(repository, input.chain, input.epoch);
  const point = lineageOf(record, input.pointId)[0]!;
  const companion = point.companions.find(({ path }) => path === input.path);
  if (companion === undefined) return { isHealed: false, isSourceUnknown: false };
  const staging = stagingFolder(input.chain, healStagingId(input.pointId));
  const path = `${input.chain}/${companion.path}`;
  if (await isRight(context, repository, path, companion.digest)) {
    // An attempt that was killed may have left it to a power cut.
    await repository.settle([path]);
    await repository.removeAll(staging);
    return { isHealed: true, isSourceUnknown: false, wasRight: true };
  }
  await repository.removeAll(staging);
  let outcome: CompanionOutcome = { isHealed: false, isSourceUnknown: false };
  try {
    const source = await healingPoint(context, record, point);
    const { companions } = await pointFiles(source.repository, source.point);
    const isHealed = await takeAgain(context, input, companion, companions, staging);
    outcome = { isHealed, isSourceUnknown: false };
  } catch (error) {
    if (!isBackupError(error)) throw error;
    outcome = { isHealed: false, isSourceUnknown: mayAnswerLater(error) };
  }
  await repository.removeAll(staging);
  return outcome;
}

/** What cannot be read is not. */
async function isRight(
  { control }: MoverContext,
  repository: SourceRepository,
  path: string,
  digest: TargetCompanion['digest'],
): Promise<boolean> {
  try {
    return (await contentDigest(control, repository, path)) === digest;
  } catch (error) {
    if (isBackupError(error)) return false;
    throw error;
  }
}

async function takeAgain(
  context: MoverContext,
  { targetRepositoryId, chain }: HealCompanionInput,
  { as, digest, path }: TargetCompanion,
  companions: readonly CompanionFile[],
  staging: string,
): Promise<boolean> {
  const repository = await context.repository(targetRepositoryId);
  const beside = `${staging}/companion`;
  const final = `${chain}/${path}`;
  // Under its name first; whatever its name, no other bytes are taken.
  const candidates = [
    ...companions.filter((entry) => entry.as === as),
    ...companions.filter((entry) => entry.as !== as),
  ];
  for (const candidate of candidates) {
    await repository.makePlace(staging);
    if (!(await isCopied(context, { ...candidate, digest }, repository, beside))) continue;
    await repository.move([{ from: beside, to: final }], chain);
    return true;
  }
  return false;
}

/** Whether the file has the digest. */
async function isCopied(
  context: MoverContext,
  companion: CompanionFile,
  repository: BackupRepository,
  path: string,
): Promise<boolean> {
  try {
    await withOpenFiles(async (files) => {
      const copy = files.add(await repository.openWork(path, newToken()));
      await copyCompanion(context, companion, copy);
    });
    return true;
  } catch (error) {
    if (isBackupError(error, 'BLOCK_DIGEST_MISMATCH')) return false;
    throw error;
  }
}
