import { availablePoints, type ChainRecord } from '../../chain/chain-record.js';
import { makesFullsOnly } from '../../domain/sources/fulls-only.js';
import type { SourceWorkload } from '../../domain/sources/source-workload.js';
import {
  identifySourcePoints,
  withToldShort,
  type IdentifiedPoint,
} from '../../domain/sources/source-identity.js';
import { fullFormatsOf } from './full-formats.js';

/** The points of a source as the chain knows them; all new to a chain that is not there yet. Reads nothing.
 *  @param epoch owner of the chain; null: only a look */
export function identifiedPoints(
  workload: SourceWorkload,
  record: ChainRecord | null,
  sourceRepositoryId: string,
  epoch: number | null,
): IdentifiedPoint[] {
  return identifySourcePoints({
    sourceRepositoryId,
    copied: record === null ? [] : availablePoints(record),
    known: record?.knownSourcePoints ?? [],
    current: workload.restorePoints,
    epoch,
    makesFullsOnly: makesFullsOnly(workload, fullFormatsOf(workload.restorePoints)),
  });
}

/** The record with what a source that is a chain of Longhaul tells of its points; null: it tells nothing new. */
export function toldRecord(
  workload: Pick<SourceWorkload, 'restorePoints'>,
  record: ChainRecord,
): ChainRecord | null {
  const points = withToldShort(record.points, workload.restorePoints, record.epoch);
  return points === null ? null : { ...record, points };
}
