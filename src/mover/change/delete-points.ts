import type { ChainRecord } from '../../chain/chain-record.js';
import { BackupError } from '../../domain/errors.js';
import type { ChainPlace } from '../../chain/chain-place.js';

/** Removes the folders of points in the order given, dependents first, but for those that the record lists: another copy got their name
 *  (docs/FORMAT.md, Order, D1 and D2). */
export async function removeDeletedPoints(
  { repository, chain }: ChainPlace,
  record: ChainRecord,
  ids: readonly string[],
): Promise<void> {
  for (const id of ids) {
    if (record.points.some((point) => point.id === id)) continue;
    await repository.removeAll(`${chain}/${id}`);
    await repository.settle([chain]);
  }
}

/** The points that stay without `ids`.
 *  @throws RESTORE_POINT_BROKEN when one that stays needs one that goes: that must never be written */
export function withoutPoints(record: ChainRecord, ids: readonly string[]): ChainRecord {
  const gone = new Set(ids);
  const points = record.points.filter(({ id }) => !gone.has(id));
  const orphan = points.find(({ parentId }) => parentId !== null && gone.has(parentId));
  if (orphan !== undefined)
    throw new BackupError(
      'RESTORE_POINT_BROKEN',
      `restore point ${orphan.id} needs ${orphan.parentId ?? ''}, so that one cannot be deleted`,
    );
  return { ...record, points };
}
