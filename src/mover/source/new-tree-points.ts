import { chainFolder } from '../../chain/chain-paths.js';
import type { CopyJob } from '../../domain/jobs/copy-job.js';
import type { SourceWorkload } from '../../domain/sources/source-workload.js';
import type { AwaitedPoint, SettleRule } from '../../domain/sources/settle.js';
import { pointsToTake } from '../../domain/trees/grown-points.js';
import { withHeldFulls } from '../../domain/trees/held-fulls.js';
import { copiedWithoutGap } from '../../domain/trees/set-points.js';
import { awaitedTreePoints, settledTreePoints } from '../../domain/trees/settled-tree.js';
import { type TreePoint } from '../../domain/trees/source-tree.js';
import {
  chooseTreePoints,
  copiedAt,
  type ChosenTreePoints,
} from '../../domain/trees/tree-points.js';
import { treeLayoutOf } from '../../layout/tree-layouts.js';
import type { SourceRepository } from '../../repository/backup-repository.js';
import { readTreeRecord } from '../../tree/tree-store.js';

/** Points that a session started now would copy of a tree, by the points alone.
 *  @returns isFirst: there is no copy yet */
export async function newTreePoints(
  target: SourceRepository,
  job: CopyJob,
  { id, tree }: SourceWorkload,
  rule: SettleRule,
): Promise<{
  readonly chosen: ChosenTreePoints;
  /** Those that the copy does not have, and those that it has an earlier state of. */
  readonly added: readonly TreePoint[];
  /** Ids in the source of the points that the copy has. */
  readonly copied: ReadonlySet<string>;
  readonly isFirst: boolean;
  readonly awaited: readonly AwaitedPoint[];
}> {
  const layout = treeLayoutOf(tree?.layout ?? '');
  const record = await readTreeRecord(target, chainFolder(job.id, id));
  const copied = copiedAt(record);
  const { mode, retention, gfs, endedGfs, timeZone, restorePoints: scope } = job;
  const choice = { mode, scope, withLogs: job.transactionLogs, retention, gfs, endedGfs, timeZone };
  const settled = settledTreePoints({ id, points: tree?.points ?? [] }, rule);
  const points = withHeldFulls(settled, record?.points ?? [], layout?.rules ?? {}, false);
  const chosen =
    layout === null
      ? { points: [], warnings: [], unusable: null }
      : chooseTreePoints(points, layout.rules, {
          ...{ ...choice, copied, nowMs: rule.nowMs },
          withoutGap: copiedWithoutGap(record?.points ?? [], points),
        });
  const added = pointsToTake(chosen.points, record?.points ?? []);
  const awaited = awaitedTreePoints(points, layout?.rules ?? {}, job.transactionLogs, rule);
  return { chosen, added, copied: new Set(copied.keys()), isFirst: record === null, awaited };
}
