import type { KnownSourcePoint, TargetRestorePoint } from '../domain/targets/target-point.js';
import type { ChainRecord } from './chain-record.js';

/** Of those that the source does not show any more, so many are remembered, for it may show them again. All that it shows are: what is forgotten
 *  would be copied once more, on top of the newest. */
const MAX_UNSEEN = 4_000;

/** The record with these source points among the ones that were dealt with.
 *  @param forgotten `forgettablePoints` */
export function withKnownSourcePoints(
  record: ChainRecord,
  points: readonly KnownSourcePoint[],
  forgotten: readonly KnownSourcePoint[] = [],
): ChainRecord {
  if (points.length + forgotten.length === 0) return record;
  const names = new Set([...points, ...forgotten].map(nameOf));
  const others = (record.knownSourcePoints ?? []).filter((point) => !names.has(nameOf(point)));
  return { ...record, knownSourcePoints: [...others, ...points] };
}

/** Those that were dealt with longest ago among what the source does not show any more, as far as they are too many. Of another source nothing is known.
 *  @param shown what the source shows, whatever its state */
export function forgettablePoints(
  { knownSourcePoints = [] }: Pick<ChainRecord, 'knownSourcePoints'>,
  sourceRepositoryId: string,
  shown: readonly { readonly id: string; readonly createdAtMs: number }[],
): KnownSourcePoint[] {
  if (knownSourcePoints.length <= MAX_UNSEEN) return [];
  const names = new Set(shown.map(({ id, createdAtMs }) => `${String(createdAtMs)} ${id}`));
  const unseen = knownSourcePoints.filter(
    ({ repositoryId, restorePointId, createdAt }) =>
      repositoryId === sourceRepositoryId &&
      !names.has(`${String(Date.parse(createdAt))} ${restorePointId}`),
  );
  return unseen.slice(0, Math.max(0, unseen.length - MAX_UNSEEN));
}

/** The record once retention, or an operator, has let go of these copies: their source points, as they were copied, must not be taken for new ones. With the last copy the memory
 *  goes, too: what the source shows then is copied as on a first run. */
export function afterRetention(
  record: ChainRecord,
  gone: readonly TargetRestorePoint[],
): ChainRecord {
  if (record.points.length === 0) return { ...record, knownSourcePoints: [] };
  return withKnownSourcePoints(
    record,
    gone.map(({ createdAt, source: { repositoryId, restorePointId, fingerprint, copyId } }) => ({
      ...{ repositoryId, restorePointId, createdAt, fingerprint },
      ...(copyId === undefined ? {} : { copyId }),
    })),
  );
}

function nameOf({ repositoryId, restorePointId, createdAt }: KnownSourcePoint): string {
  return JSON.stringify([repositoryId, restorePointId, createdAt]);
}
