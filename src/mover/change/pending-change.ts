import { leasedPointIds } from '../../chain/leases.js';
import type { ChainRecord, PendingChange } from '../../chain/chain-record.js';
import { writeChainRecord } from '../../chain/chain-store.js';
import { assertNever, BackupError } from '../../domain/errors.js';
import type { ChainPlace } from '../../chain/chain-place.js';
import { removeDeletedPoints } from './delete-points.js';
import { moveToQuarantine } from '../../chain/quarantine.js';
import { mergeFiles } from './merge-files.js';
import type { MoverContext } from '../task/mover-context.js';
import { replaceFiles } from './replace-files.js';

/** Announces a change of files in the commit record and carries it out. The order is part of the format: the record with `pending` is
 *  durable before the first file is touched, and the files are durable before the record forgets it.
 *  @param announced the record as it is from now on, without `pending`: what goes is no longer shown
 *  @param needed points whose files the change touches; a lease on one of them calls it off
 *  @throws POINT_IN_USE with the record as it was before */
export async function changeChain(
  context: MoverContext,
  place: ChainPlace,
  before: ChainRecord,
  announced: ChainRecord,
  pending: PendingChange,
  needed: readonly string[],
  nowMs: number,
): Promise<ChainRecord> {
  const { repository, chain } = place;
  const record = await writeChainRecord(repository, chain, { ...announced, pending });
  const leased = await leasedPointIds(repository, chain, before, nowMs);
  const inUse = needed.filter((id) => leased.has(id));
  if (inUse.length > 0) {
    const { revision } = record;
    await writeChainRecord(repository, chain, { ...before, revision });
    throw new BackupError('POINT_IN_USE', `restore point ${inUse[0]!} is being read`, {
      details: { restorePointId: inUse[0]! },
    });
  }
  return finishPendingChange(context, place, record);
}

/** Carries out what the record announces, from the start or from wherever it was stopped; the record without it is returned. */
export async function finishPendingChange(
  context: MoverContext,
  place: ChainPlace,
  record: ChainRecord,
): Promise<ChainRecord> {
  const { pending } = record;
  if (pending === null) return record;
  switch (pending.type) {
    case 'merge': {
      const points = await mergeFiles(context, place, record, pending);
      const next = {
        ...record,
        points,
        pending: { type: 'delete', ids: [pending.intoId] },
      } as const;
      return finishPendingChange(
        context,
        place,
        await writeChainRecord(place.repository, place.chain, next),
      );
    }
    case 'replace': {
      const points = await replaceFiles(place, record, pending);
      return writeChainRecord(place.repository, place.chain, { ...record, points, pending: null });
    }
    case 'quarantine':
      await moveToQuarantine(place, record, pending.ids);
      return writeChainRecord(place.repository, place.chain, { ...record, pending: null });
    case 'delete':
      await removeDeletedPoints(place, record, pending.ids);
      return writeChainRecord(place.repository, place.chain, { ...record, pending: null });
    default:
      return assertNever(pending);
  }
}
