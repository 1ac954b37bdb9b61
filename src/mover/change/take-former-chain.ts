import { chainFolder } from '../../chain/chain-paths.js';
import { readChainRecord, writeChainRecord } from '../../chain/chain-store.js';
import { holdsFiles } from '../../repository/holds-files.js';
import { BackupError } from '../../domain/errors.js';
import type { MoverContext } from '../task/mover-context.js';
import type { InspectChainInput } from './inspect-chain.js';
import { announce, assertUnread, inUse, type Rehomed } from './rehome.js';
import { takeOver } from './rehome-chain.js';

/** `chain` is where the copies lie, `workload` what they are copies of now. */
export interface TakeFormerInput extends Omit<InspectChainInput, 'isSeen'> {
  /** Id under which they lie. */
  readonly formerId: string;
}

/** Copies of a workload whose id has become another one go on under that: as `rehome`, and between the same two steps, the folder is nobody's. Both chain locks are the caller's.
 *  @throws CHAIN_FOREIGN, CHAIN_EXISTS, POINT_IN_USE: the copies stay where they are then */
export async function takeFormerChain(
  context: MoverContext,
  input: TakeFormerInput,
): Promise<Rehomed> {
  const repository = await context.repository(input.targetRepositoryId);
  const { chain, formerId, jobId, workload, owner } = input;
  const home = chainFolder(jobId, workload.id);
  const record = await readChainRecord(repository, chain);
  const details = { folder: home };
  if (record === null) {
    const there = await readChainRecord(repository, home);
    if (there?.owner === owner) return { pointCount: there.points.length };
    throw new BackupError('CHAIN_FOREIGN', `there are no copies in ${chain} any more`, { details });
  }
  const { id } = record.workload;
  if (record.jobId !== jobId || ![formerId, workload.id].includes(id))
    throw new BackupError(
      'CHAIN_FOREIGN',
      `${chain} holds copies of ${record.workload.name} (${id}) that belong to ${record.jobId}`,
      { details },
    );
  if (await holdsFiles(repository, home))
    if ((await readChainRecord(repository, home)) !== null)
      throw new BackupError('CHAIN_EXISTS', `there are copies of ${workload.name} in ${home}`, {
        details,
      });
  const isBegun = id === workload.id;
  // Before anything that was begun is taken away; `announce` looks once more.
  if (!isBegun) await assertUnread(repository, input);
  const own = isBegun ? record : await takeOver(context, { ...input, workload: record.workload });
  if (own.pending !== null) throw inUse(input, `a ${own.pending.type} of it waits`);
  await announce(repository, input, own, { workload }, { write: writeChainRecord });
  if (!(await holdsFiles(repository, home))) await repository.removeAll(home);
  await repository.move([{ from: chain, to: home }], '');
  return { pointCount: own.points.length };
}
