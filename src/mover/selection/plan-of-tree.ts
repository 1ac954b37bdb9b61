import { chainFolder } from '../../chain/chain-paths.js';
import type { CopyJob } from '../../domain/copy-job.js';
import type { WorkloadPlan } from '../../domain/operation.js';
import type { SourceWorkload } from '../../domain/restore-point.js';
import { settledTreePoints } from '../../domain/source-tree.js';
import type { SettleRule } from '../../domain/settle.js';
import { chooseTreePoints } from '../../domain/tree-points.js';
import { treeLayoutOf } from '../../layout/tree-layouts.js';
import { readTreeRecord } from '../../tree/tree-store.js';
import type { MoverContext } from '../task/mover-context.js';

/** What a session started now would copy of a tree. Which of its files are different only a comparison tells, which a session makes. */
export async function planOfTree(
  context: MoverContext,
  job: CopyJob,
  workload: SourceWorkload,
  rule: SettleRule,
): Promise<
  Pick<WorkloadPlan, 'workload' | 'algorithm' | 'restorePoints' | 'estimatedBytes' | 'reasons'>
> {
  const { tree, name } = workload;
  const layout = treeLayoutOf(tree?.layout ?? '');
  const target = await context.repository(job.target.repositoryId);
  const record = await readTreeRecord(target, chainFolder(job.id, workload.id));
  const copied = new Set(record?.points.map(({ source }) => source.restorePointId));
  const { retention, timeZone, restorePoints: scope } = job;
  const choice = { scope, withLogs: job.transactionLogs, retention, timeZone, copied, ...rule };
  const chosen =
    layout === null
      ? { points: [], warnings: [], unusable: null }
      : chooseTreePoints(
          settledTreePoints({ id: workload.id, points: tree?.points ?? [] }, rule),
          layout.rules,
          choice,
        );
  const added = chosen.points.filter(({ id }) => !copied.has(id));
  const { unusable, warnings } = chosen;
  return {
    workload: name,
    algorithm: added.length === 0 ? 'none' : record === null ? 'full' : 'increment',
    restorePoints: added.map(({ id }) => id),
    estimatedBytes: added.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0),
    reasons: [
      ...(unusable === null
        ? []
        : [`${unusable.id} is ${unusable.state}: ${unusable.reason ?? ''}`]),
      ...warnings,
      ...(added.length > 0
        ? added.map(({ id }) => `${id}: it is new`)
        : ['no restore point is new; files that are different are copied all the same']),
    ],
  };
}
