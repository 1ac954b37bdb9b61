import { isPointFolder, STAGING_FOLDER, stagingFolder } from '../../chain/chain-paths.js';
import type { ChainRecord } from '../../chain/chain-record.js';
import { setUncommittedAside } from '../../chain/quarantine.js';
import {
  comparisonStagingId,
  fullStagingId,
  healStagingId,
  isFullStagingId,
  isVerifyStagingId,
  verifyStagingId,
  mergeStagingId,
  TAKE_STAGING_ID,
} from '../../domain/targets/staging-id.js';
import type { TargetRestorePoint } from '../../domain/targets/target-point.js';
import type {
  BackupRepository,
  RepositoryEntry,
  SourceRepository,
} from '../../repository/backup-repository.js';
import { readStagedJson, stagedPath } from './copy-plan.js';

/** An empty staging folder for a copy. */
export async function makeStaging(repository: BackupRepository, staging: string): Promise<void> {
  await repository.makePlace(stagedPath.workFolder(staging), stagedPath.pointFolder(staging));
}

/** Empties a staging folder so that a stop at any place leaves nothing that could be taken for a plan: what others depend on goes first
 *  (docs/FORMAT.md, Order, D3).
 *  @param kept folder in it that stays; null: none */
export async function discardStaging(
  repository: BackupRepository,
  staging: string,
  kept: string | null = null,
): Promise<void> {
  if ((await repository.stat(staging)) === null) return;
  const vouchers = [
    stagedPath.composed(staging),
    stagedPath.plan(staging),
    stagedPath.scan(staging),
  ];
  for (const path of vouchers)
    if ((await repository.stat(path))?.type === 'folder') await repository.removeAll(path);
  await repository.remove(...vouchers);
  if (kept === null) return repository.removeAll(staging);
  for (const { name, type, path } of await repository.list(staging))
    if (type === 'folder' && name !== kept) await repository.removeAll(path);
    else if (type !== 'folder') await repository.remove(path);
}

/** Takes away what a copy left whose plan is gone, and leaves the comparison beside it. */
export async function discardCopied(repository: BackupRepository, staging: string): Promise<void> {
  await repository.remove(stagedPath.composed(staging));
  await repository.removeAll(stagedPath.pointFolder(staging));
}

/** What a healing that was stopped has put in place reads right, but need not be durable: a power cut would take it back. So the files of the
 *  point are made durable before anything vouches for them, and before the last trace of the healing goes. */
export async function makeHealedDurable(
  repository: BackupRepository,
  chain: string,
  point: TargetRestorePoint,
): Promise<void> {
  if ((await repository.stat(stagingFolder(chain, healStagingId(point.id)))) === null) return;
  const paths = point.disks.flatMap(({ path, digests }) => [path, digests.path]);
  await repository.settle(paths.map((path) => `${chain}/${path}`));
}

async function discardFound(
  repository: BackupRepository,
  chain: string,
  { points }: ChainRecord,
  { name, path }: RepositoryEntry,
): Promise<void> {
  const healed = points.find(({ id }) => healStagingId(id) === name);
  if (healed !== undefined) await makeHealedDurable(repository, chain, healed);
  await discardStaging(repository, path);
}

/** At the start of a task: removes what stopped ones left behind and nobody will take up: the rest of a copy that is committed, work on a
 *  point that is gone, and folders whose plan was removed already.
 *  @param kept names of folders that are kept besides */
export async function sweepStaging(
  repository: BackupRepository,
  chain: string,
  record: ChainRecord,
  kept: readonly string[],
): Promise<void> {
  const listed = new Set(record.points.map(({ id }) => id));
  const verified = new Set([...listed].map(verifyStagingId));
  const resumed = new Set(
    [...listed].flatMap((id) => [fullStagingId(id), comparisonStagingId(id)]),
  );
  // A merge that waits may have moved its full, and not yet the tables that belong to it.
  const { pending } = record;
  const merging = pending?.type === 'merge' ? mergeStagingId(pending.fromId) : null;
  for (const entry of await repository.list(`${chain}/${STAGING_FOLDER}`)) {
    const { type, name, path } = entry;
    // A verification does not own the chain: it may be at work just now.
    const mayBeAtWork = verified.has(name) && !(await hasEnded(repository, path));
    if (type !== 'folder' || mayBeAtWork || name === merging || kept.includes(name)) continue;
    const isFinished = isPointFolder(name) ? listed.has(name) : !resumed.has(name);
    if (isFinished || !(await hasPlan(repository, path)))
      await discardFound(repository, chain, record, entry);
  }
}

/** Of a verification: what it found is told by whoever comes to heal it. */
async function hasEnded(repository: SourceRepository, staging: string): Promise<boolean> {
  const notes = await readStagedJson<{ token: string; found?: unknown }>(
    repository,
    stagedPath.scan(staging),
  );
  return notes?.found !== undefined;
}

async function hasPlan(repository: SourceRepository, staging: string): Promise<boolean> {
  for (const path of [stagedPath.plan(staging), stagedPath.scan(staging)])
    if ((await repository.stat(path)) !== null) return true;
  return false;
}

/** The same at the end of a task, when nothing of the chain is under way: what was planned and then given up, because its source went away
 *  or a newer point was taken. Those of a verification stay, what was found and is not told yet, and so do fulls that are to replace the files of a point: a task that goes on
 *  in a new run takes them up, and they go with their point. Only the owner of the chain may call it.
 *  @param keepsPlanned copies that are planned stay: the next try takes them up whatever becomes of the files below. A comparison that comes before a
 *    plan names these files, and goes
 *  @returns their names */
export async function discardAbandonedStaging(
  repository: BackupRepository,
  chain: string,
  record: ChainRecord,
  keepsPlanned = false,
): Promise<string[]> {
  const names: string[] = [];
  const listed = new Set(record.points.map(({ id }) => id));
  for (const entry of await abandonedStaging(repository, chain)) {
    if (keepsPlanned && (await repository.stat(stagedPath.plan(entry.path))) !== null) continue;
    // Its commit may have named its folder: without the staging nothing would tell that it was never listed.
    const isNamed = isPointFolder(entry.name) && !listed.has(entry.name);
    if (isNamed && (await repository.stat(`${chain}/${entry.name}`)) !== null)
      await setUncommittedAside(repository, chain, record, entry.name);
    await discardFound(repository, chain, record, entry);
    names.push(entry.name);
  }
  return names;
}

/** What `discardAbandonedStaging` would take away. Reads only. */
export async function abandonedStaging(
  repository: SourceRepository,
  chain: string,
): Promise<RepositoryEntry[]> {
  const entries = await repository.list(`${chain}/${STAGING_FOLDER}`);
  return entries.filter(
    ({ type, name }) =>
      type === 'folder' &&
      !isVerifyStagingId(name) &&
      !isFullStagingId(name) &&
      name !== TAKE_STAGING_ID,
  );
}
