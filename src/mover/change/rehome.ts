import { chainFolder } from '../../chain/chain-paths.js';
import { assertOwnCopies } from '../../chain/sessions/copies-owner.js';
import { holdsFiles } from '../../repository/holds-files.js';
import { readLeases } from '../../chain/leases.js';
import type { OwnedRecord } from '../../chain/record-store.js';
import { readJobDefinition, writeJobDefinition } from '../../chain/sessions/session-record.js';
import { BackupError, isBackupError } from '../../domain/errors.js';
import type { CopyJob } from '../../domain/jobs/copy-job.js';
import type { BackupRepository, SourceRepository } from '../../repository/backup-repository.js';
import type { MoverContext } from '../task/mover-context.js';
import type { InspectChainInput } from './inspect-chain.js';

export interface RehomeInput extends Omit<InspectChainInput, 'isSeen'> {
  /** Who keeps the copies from now on. Written beside them when no definition of that job lies there yet. */
  readonly job: CopyJob;
}

export interface Rehomed {
  readonly pointCount: number;
}

type KeptRecord = OwnedRecord & {
  readonly points: readonly unknown[];
  readonly pending: { readonly type: string } | null;
};

/** What a folder of copies is, as far as it is given to another job. */
export interface KeptKind<R extends KeptRecord> {
  /** Of the record and its copy. */
  readonly names: readonly string[];
  read(repository: SourceRepository, folder: string): Promise<R | null>;
  write(repository: BackupRepository, folder: string, next: R): Promise<R>;
  /** Finishes what was stopped, under a new epoch.
   *  @returns the record; a change that waits for a reader is still announced in it */
  takeOver(context: MoverContext, input: RehomeInput): Promise<R>;
}

/** What belongs to one job goes to another one: the folder gets its place there. Nothing but names and the record changes.
 *
 *  The record says it first, where it lies: from then on nobody finds the copies under their old name, and of whoever was reading them before, the
 *  lease is there to be seen. Then the folder is moved. Whatever it is stopped at, the same order goes on with it, and so does a later one of the same
 *  copies; until then the old job is refused the folder (`CHAIN_FOREIGN`).
 *  @returns null: there is nothing of this kind
 *  @throws CHAIN_FOREIGN, CHAIN_EXISTS, COPIES_OF_OTHER_JOB, POINT_IN_USE: the copies stay where they are then */
export async function rehome<R extends KeptRecord>(
  context: MoverContext,
  input: RehomeInput,
  kind: KeptKind<R>,
): Promise<Rehomed | null> {
  const repository = await context.repository(input.targetRepositoryId);
  const { chain, job, jobId, workload, owner } = input;
  const home = chainFolder(job.id, workload.id);
  const record = await kind.read(repository, chain);
  if (record === null) {
    const there = await kind.read(repository, home);
    return there?.owner === owner ? { pointCount: there.points.length } : null;
  }
  const isBegun = record.jobId !== jobId;
  await assertFree(repository, input, record, kind);
  // Read before anything is said: one that is damaged would leave the folder nobody's.
  const definition = await readJobDefinition(repository, job.id);
  // Before anything that was begun is taken away; `announce` looks once more.
  if (!isBegun) await assertUnread(repository, input);
  const own = isBegun ? record : await kind.takeOver(context, input);
  if (own.pending !== null) throw inUse(input, `a ${own.pending.type} of it waits`);
  await announce(repository, input, own, { jobId: job.id }, kind);
  if (definition === null) await writeJobDefinition(repository, job);
  if (!(await holdsFiles(repository, home))) await repository.removeAll(home);
  await repository.move([{ from: chain, to: home }], '');
  return { pointCount: own.points.length };
}

/** @throws CHAIN_EXISTS, CHAIN_FOREIGN, COPIES_OF_OTHER_JOB */
async function assertFree<R extends KeptRecord>(
  repository: SourceRepository,
  { chain, job, jobId, workload }: RehomeInput,
  record: R,
  kind: KeptKind<R>,
): Promise<void> {
  const home = chainFolder(job.id, workload.id);
  const details = { folder: home };
  // Its sessions would be refused what is put there.
  await assertOwnCopies(repository, job);
  // Where folders are moved file by file, some of what was begun is there already: without a record, which comes last.
  const isGoingThere = record.jobId === job.id;
  if (isGoingThere ? await hasRecord(repository, home, kind) : await holdsFiles(repository, home))
    throw new BackupError(
      'CHAIN_EXISTS',
      `job ${job.id} keeps copies of ${workload.name} already, in ${home}`,
      { details },
    );
  const isOfAnother = record.workload.id !== workload.id;
  const elsewhere = chainFolder(record.jobId, record.workload.id);
  const isSplit =
    ![jobId, job.id].includes(record.jobId) && (await holdsFiles(repository, elsewhere));
  if (isOfAnother || isSplit)
    throw new BackupError(
      'CHAIN_FOREIGN',
      `${chain} holds copies of ${record.workload.name} that belong to ${record.jobId}, in ${elsewhere}`,
      { details },
    );
}

async function hasRecord<R extends KeptRecord>(
  repository: SourceRepository,
  folder: string,
  { names }: KeptKind<R>,
): Promise<boolean> {
  for (const name of names) if ((await repository.stat(`${folder}/${name}`)) !== null) return true;
  return false;
}

type MovedInput = Pick<InspectChainInput, 'chain' | 'owner' | 'nowMs' | 'workload'>;

/** In the record first, then looks for readers: one of the two always sees the other.
 *  @param to what the record says from then on
 *  @throws POINT_IN_USE when somebody reads: then the copies are again what they were */
export async function announce<R extends KeptRecord>(
  repository: BackupRepository,
  input: MovedInput,
  record: R,
  to: Partial<Pick<R, 'jobId' | 'workload'>>,
  kind: Pick<KeptKind<R>, 'write'>,
): Promise<void> {
  const { chain, owner } = input;
  const epoch = record.epoch + 1;
  // Who keeps them from now on looks for the workload anew, before it deletes anything.
  const presence = { ...record.presence, absence: null };
  const next = { ...record, ...to, epoch, owner, presence };
  const announced = await kind.write(repository, chain, next);
  try {
    await assertUnread(repository, input);
  } catch (error) {
    const { jobId, workload, presence: before } = record;
    if (isBackupError(error, 'POINT_IN_USE'))
      await kind.write(repository, chain, { ...announced, jobId, workload, presence: before });
    throw error;
  }
}

/** @throws POINT_IN_USE */
export async function assertUnread(
  repository: SourceRepository,
  input: Pick<RehomeInput, 'chain' | 'nowMs' | 'workload'>,
): Promise<void> {
  const { named, doubtful } = await readLeases(repository, input.chain, input.nowMs);
  if (named.size === 0 && doubtful.length === 0) return;
  const [doubt] = doubtful;
  throw inUse(input, doubt?.fault.message ?? `${[...named].join(', ')} is being read`);
}

export function inUse({ workload }: Pick<RehomeInput, 'workload'>, why: string): BackupError {
  return new BackupError(
    'POINT_IN_USE',
    `the copies of ${workload.name} stay where they are: ${why}`,
  );
}
