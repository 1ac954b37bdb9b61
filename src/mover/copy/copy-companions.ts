import { createHash } from 'node:crypto';
import type { Digest } from '../../domain/targets/digest.js';
import { fileTraits } from '../../domain/targets/file-traits.js';
import { BackupError } from '../../domain/errors.js';
import type { TargetCompanion } from '../../domain/targets/target-point.js';
import { foldedName } from '../../domain/trees/tree-path.js';
import type { BackupRepository, WritableFile } from '../../repository/backup-repository.js';
import { sameStamp } from '../../domain/file-stamp.js';
import { copyWhole } from '../blocks/file-bytes.js';
import { hashFile } from '../blocks/file-digest.js';
import type { CompanionFile } from '../blocks/companion-file.js';
import { openStored } from '../blocks/stored-bytes.js';
import { stagedPath, type CopyPlan } from '../staging/copy-plan.js';
import type { MoverContext } from '../task/mover-context.js';
import { withOpenFiles } from '../task/open-files.js';
import { lastName } from '../../repository/repository-path.js';

/** Copies the small companions into `config/` of the staged point under the last part of their names, numbered where two are alike, each compared with
 *  what was read and with its digest where it has one. Durable when it returns.
 *  @throws SOURCE_CHANGED, BLOCK_DIGEST_MISMATCH, FILE_MISSING */
export async function copyCompanions(
  context: MoverContext,
  target: BackupRepository,
  staging: string,
  plan: CopyPlan,
): Promise<TargetCompanion[]> {
  if (plan.companions.length === 0) return [];
  const folder = `${stagedPath.pointFolder(staging)}/config`;
  await target.makePlace(folder);
  const companions: TargetCompanion[] = [];
  for (const planned of plan.companions) {
    context.control.throwIfStopped();
    const { path } = planned;
    const name = freeName(lastName(path), companions);
    const copied = await withOpenFiles(async (files) => {
      const copy = files.add(await target.openWork(`${folder}/${name}`, plan.token));
      const written = await copyCompanion(context, planned, copy);
      if (plan.verifyAfterCopy === 'direct') {
        const stored = files.add(await openStored(target, copy.path));
        if ((await hashFile(stored, context.control)) !== written.digest)
          throw mismatch(copy.path, 'is not on the storage as it was written');
      }
      return written;
    });
    companions.push({ path: `${plan.pointId}/config/${name}`, ...copied, ...fileTraits(planned) });
  }
  await target.settle([folder]);
  return companions;
}

/** One companion, over what `copy` holds. Durable when it returns.
 *  @throws as `copyCompanions` */
export async function copyCompanion(
  context: MoverContext,
  { repositoryId, path, stamp, digest }: CompanionFile,
  copy: WritableFile,
): Promise<{ readonly sizeBytes: number; readonly digest: Digest }> {
  const repository = await context.source(repositoryId);
  const read = createHash('sha256');
  const sizeBytes = await withOpenFiles(async (files) => {
    const source = files.add(await repository.openRead(path));
    await copy.truncate(0);
    const count = await copyWhole(source, copy, (part) => read.update(part));
    if (stamp !== null && !sameStamp(await source.stamp(), stamp))
      throw new BackupError('SOURCE_CHANGED', `${path} changed while it was being copied`, {
        details: { repositoryId, path },
      });
    return count;
  });
  await copy.sync();
  context.control.add('readBytes', sizeBytes);
  context.control.add('transferredBytes', sizeBytes);
  context.control.add('storedBytes', sizeBytes);
  const found = read.digest('hex');
  if (digest !== undefined && digest !== found) throw mismatch(path, 'does not have its digest');
  if ((await hashFile(copy, context.control)) !== found)
    throw mismatch(copy.path, 'does not read back as it was written');
  return { sizeBytes, digest: found };
}

function mismatch(path: string, words: string): BackupError {
  return new BackupError('BLOCK_DIGEST_MISMATCH', `${path} ${words}`, { details: { path } });
}

/** One that no storage takes for one of those before it, whether it tells upper from lower case or not. */
function freeName(name: string, taken: readonly TargetCompanion[]): string {
  const names = new Set(taken.map(({ path }) => foldedName(lastName(path))));
  const isTaken = (candidate: string) => names.has(foldedName(candidate));
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? name : `${n}-${name}`;
    if (!isTaken(candidate)) return candidate;
  }
}
