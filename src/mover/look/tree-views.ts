import type { CopyJob } from '../../domain/jobs/copy-job.js';
import { detachedWords } from '../../domain/jobs/detached-copy.js';
import type { RestorePointView } from '../../domain/targets/repository-view.js';
import { agedPoints, flagKeepReasons, keptIds } from '../../domain/trees/tree-points.js';
import { treeLayoutOf } from '../../layout/tree-layouts.js';
import { treePointView } from '../../tree/show-tree.js';
import type { TreeRecord } from '../../tree/tree-record.js';

/** The points of a tree, each with why it is kept.
 *  @param job as it is defined beside the data; null: that cannot be read */
export function treeViews(
  record: TreeRecord,
  job: CopyJob | null,
  nowMs: number,
): RestorePointView[] {
  const rules = treeLayoutOf(record.layout)?.rules ?? null;
  const ofSets = job === null || rules?.shape !== 'sets' ? null : job;
  const aged = agedPoints(record.points, nowMs);
  const kept = ofSets && keptIds(aged, { ...ofSets, nowMs }, rules ?? {});
  const flags = ofSets && flagKeepReasons(aged, { ...ofSets, nowMs });
  return record.points.map((point) => {
    const because =
      job?.detached !== undefined
        ? [detachedWords(job.detached)]
        : kept === null
          ? [keptByItsSource(point, daysOf(rules?.keepRemovedForDays ?? 0, job))]
          : kept.has(point.source.restorePointId)
            ? (flags?.get(point.source.restorePointId) ?? [KEPT_BY_JOB])
            : [];
    return treePointView(record, point, because);
  });
}

const KEPT_BY_JOB = 'the retention of the job keeps it, or a point that it keeps needs it';

/** As `isRemovalDue` counts them. */
function daysOf(ofType: number, job: CopyJob | null): number {
  return ofType > 0 && job?.retention.type === 'days' ? job.retention.value : ofType;
}

function keptByItsSource({ goneSince }: TreeRecord['points'][number], days: number): string {
  if (goneSince === undefined) return 'the source shows it';
  return `the source does not show it since ${goneSince}; it stays for ${days} days from then on`;
}
