import {
  CHAIN_RECORD_NAME,
  isPointFolder,
  QUARANTINE_FOLDER,
  stagingFolder,
} from '../chain/chain-paths.js';
import type { ChainRecord } from '../chain/chain-record.js';
import { takeChain } from '../chain/chain-store.js';
import type { WorkloadType } from '../domain/restore-point.js';
import type { BackupRepository } from '../repository/backup-repository.js';
import { makeFolderDurable } from '../repository/replace-file.js';
import { readStagedJson, stagedPath, type ComposedPoint } from './copy-plan.js';
import type { MoverContext } from './mover-context.js';
import { finishPendingChange } from './pending-change.js';

export interface InspectChainInput {
  readonly targetRepositoryId: string;
  readonly chain: string;
  readonly jobId: string;
  readonly workload: { readonly id: string; readonly name: string; readonly type: WorkloadType };
  /** The session part that takes the chain over; the same one always gets the same epoch. */
  readonly owner: string;
}

/** Takes the chain over under a new epoch (made when there is none) and sets aside folders of points that were never committed.
 *  @throws CHAIN_FOREIGN, CHAIN_RECORD_CORRUPT */
export async function inspectTargetChain(
  context: MoverContext,
  input: InspectChainInput,
): Promise<{ record: ChainRecord; notes: string[] }> {
  const target = await context.repository(input.targetRepositoryId);
  const identity = { jobId: input.jobId, workload: input.workload };
  const taken = await takeChain(target, input.chain, identity, input.owner);
  const record = await finishPendingChange(
    context,
    { repository: target, chain: input.chain },
    taken,
  );
  return { record, notes: await setOrphansAside(target, input.chain, record) };
}

/** A commit that was stopped between naming the folder and writing the record leaves a folder that no record lists. It is finished when
 *  its plan still stands, and otherwise set aside, not deleted: should a record ever be wrong, nothing is lost. */
async function setOrphansAside(
  target: BackupRepository,
  chain: string,
  record: ChainRecord,
): Promise<string[]> {
  const notes: string[] = [];
  for (const entry of await target.list(chain)) {
    if (entry.type !== 'folder' || !isPointFolder(entry.name)) continue;
    if (record.points.some(({ id }) => id === entry.name)) continue;
    const staging = stagingFolder(chain, entry.name);
    const composed = await readStagedJson<ComposedPoint>(target, stagedPath.composed(staging));
    if (composed !== null) continue;
    const aside = `${chain}/${QUARANTINE_FOLDER}`;
    await makeFolderDurable(target, aside);
    await target.rename(entry.path, `${aside}/${entry.name}-uncommitted-${record.revision}`);
    await target.syncFolder(aside);
    await target.syncFolder(chain);
    notes.push(
      `folder ${entry.name} is not listed in ${CHAIN_RECORD_NAME} and was set aside in ${aside}`,
    );
  }
  return notes;
}
