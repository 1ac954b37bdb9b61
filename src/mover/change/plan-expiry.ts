import { leasedPointIds, readLeases } from '../../chain/leases.js';
import { readJobDefinition } from '../../chain/sessions/session-record.js';
import { BackupError } from '../../domain/errors.js';
import { expiryOf, type Expiry } from '../../domain/retention/expiry.js';
import type { MoverContext } from '../task/mover-context.js';
import { ownedChain, type ChangeInput } from './change-points.js';

/** What of a one-time copy goes now, by the definition that lies beside it: whatever the caller believes, no chain of a job is ended by it.
 *  Changes nothing.
 *  @throws JOB_KIND_WRONG when this is no one-time copy, or nothing says so; STALE_EPOCH, POINT_IN_USE */
export async function planExpiry(
  context: MoverContext,
  input: ChangeInput & {
    readonly jobId: string;
    readonly isOrdered: boolean;
    readonly immutableForDays: number;
  },
): Promise<Expiry> {
  const { place, record } = await ownedChain(context, input);
  const job = await readJobDefinition(place.repository, input.jobId);
  if (job?.once === undefined)
    throw new BackupError(
      'JOB_KIND_WRONG',
      `${input.jobId} is no one-time copy: nothing is removed`,
    );
  const leases = await readLeases(place.repository, place.chain, input.nowMs);
  return expiryOf(record.points, job.once, {
    ...input,
    leasedPointIds: leasedPointIds(record, leases),
  });
}
