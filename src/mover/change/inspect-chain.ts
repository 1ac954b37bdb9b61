import { isPointFolder, stagingFolder } from '../../chain/chain-paths.js';
import type { ChainPlace } from '../../chain/chain-place.js';
import type { ChainRecord } from '../../chain/chain-record.js';
import { takeChain } from '../../chain/chain-store.js';
import { isBackupError } from '../../domain/errors.js';
import type { WorkloadType } from '../../domain/restore-point.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import { readStagedJson, stagedPath, type ComposedPoint } from '../staging/copy-plan.js';
import type { MoverContext } from '../task/mover-context.js';
import { finishPendingChange } from './pending-change.js';
import { setUncommittedAside } from '../../chain/quarantine.js';
import { sweepStaging } from '../staging/staging.js';

export interface InspectChainInput {
  readonly targetRepositoryId: string;
  readonly chain: string;
  readonly jobId: string;
  readonly workload: { readonly id: string; readonly name: string; readonly type: WorkloadType };
  /** The session part that takes the chain over; the same one always gets the same epoch. */
  readonly owner: string;
  /** Against which leases expire. Epoch milliseconds. */
  readonly nowMs: number;
  /** A source shows the workload at `nowMs`. */
  readonly isSeen?: boolean;
}

/** Takes the chain over under a new epoch (made when there is none), carries out a change that was stopped, and sets aside folders of points
 *  that were never committed. A change that has to wait for a reader stays announced: copies go on meanwhile, merges and deletions do not.
 *  @throws CHAIN_FOREIGN, CHAIN_RECORD_CORRUPT */
export async function inspectTargetChain(
  context: MoverContext,
  input: InspectChainInput,
): Promise<{ record: ChainRecord; notes: string[] }> {
  const target = await context.repository(input.targetRepositoryId);
  const identity = { jobId: input.jobId, workload: input.workload };
  const seenAtMs = input.isSeen === true ? input.nowMs : null;
  const taken = await takeChain(target, input.chain, identity, input.owner, seenAtMs);
  const place = { repository: target, chain: input.chain };
  const { record, notes } = await finishOrPostpone(context, place, taken, input.nowMs);
  await sweepStaging(target, input.chain, record);
  return { record, notes: [...notes, ...(await setOrphansAside(target, input.chain, record))] };
}

async function finishOrPostpone(
  context: MoverContext,
  place: ChainPlace,
  record: ChainRecord,
  nowMs: number,
): Promise<{ record: ChainRecord; notes: string[] }> {
  try {
    return { record: await finishPendingChange(context, place, record, nowMs), notes: [] };
  } catch (error) {
    if (!isBackupError(error, 'POINT_IN_USE')) throw error;
    const note = `a ${record.pending!.type} that was announced waits: ${error.message}`;
    return { record, notes: [note] };
  }
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
    if (isAnnounced(record, entry.name)) continue;
    const staging = stagingFolder(chain, entry.name);
    const composed = await readStagedJson<ComposedPoint>(target, stagedPath.composed(staging));
    if (composed !== null) continue;
    notes.push(await setUncommittedAside(target, chain, record, entry.name));
  }
  return notes;
}

/** Its folder is still being read, and goes when the change is carried out. */
function isAnnounced({ pending }: ChainRecord, id: string): boolean {
  return (pending?.type === 'delete' || pending?.type === 'quarantine') && pending.ids.includes(id);
}
