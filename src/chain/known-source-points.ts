import type { KnownSourcePoint, TargetRestorePoint } from '../domain/targets/target-point.js';
import type { ChainRecord } from './chain-record.js';

/** Eleven years of daily points. What is forgotten beyond that would be copied once more, should the source still hold it. */
const MAX_KNOWN = 4_000;

/** The record with these source points among the ones that were dealt with. */
export function withKnownSourcePoints(
  record: ChainRecord,
  points: readonly KnownSourcePoint[],
): ChainRecord {
  if (points.length === 0) return record;
  const names = new Set(points.map(nameOf));
  const others = (record.knownSourcePoints ?? []).filter((point) => !names.has(nameOf(point)));
  return { ...record, knownSourcePoints: [...others, ...points].slice(-MAX_KNOWN) };
}

/** The record once retention has let go of these copies: their source points must not be taken for new ones. With the last copy the memory
 *  goes, too: what the source shows then is copied as on a first run. */
export function afterRetention(
  record: ChainRecord,
  gone: readonly TargetRestorePoint[],
): ChainRecord {
  if (record.points.length === 0) return { ...record, knownSourcePoints: [] };
  return withKnownSourcePoints(
    record,
    gone.map(({ createdAt, source }) => ({
      repositoryId: source.repositoryId,
      restorePointId: source.restorePointId,
      createdAt,
    })),
  );
}

function nameOf({ repositoryId, restorePointId, createdAt }: KnownSourcePoint): string {
  return JSON.stringify([repositoryId, restorePointId, createdAt]);
}
