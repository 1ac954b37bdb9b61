import type { CopyJob } from '../../domain/jobs/copy-job.js';
import type { WorkloadPlan } from '../../domain/sessions/operation.js';
import type { SourceWorkload } from '../../domain/sources/source-workload.js';
import { firstLookMs, type SettleRule } from '../../domain/sources/settle.js';
import { notWholeText } from '../../domain/trees/tree-ending.js';
import { newTreePoints } from '../source/new-tree-points.js';
import type { MoverContext } from '../task/mover-context.js';

/** What a session started now would copy of a tree. Which of its files are different only a comparison tells, which a session makes. */
export async function planOfTree(
  context: MoverContext,
  job: CopyJob,
  workload: SourceWorkload,
  rule: SettleRule,
): Promise<
  Pick<
    WorkloadPlan,
    'workload' | 'algorithm' | 'restorePoints' | 'estimatedBytes' | 'reasons' | 'lookAgainAt'
  >
> {
  const target = await context.source(job.target.repositoryId);
  const { chosen, added, copied, isFirst, awaited } = await newTreePoints(
    target,
    job,
    workload,
    rule,
  );
  const { unusable, warnings } = chosen;
  const lookAgainAtMs = firstLookMs(awaited);
  return {
    workload: workload.name,
    algorithm: added.length === 0 ? 'none' : isFirst ? 'full' : 'increment',
    restorePoints: added.map(({ id }) => id),
    lookAgainAt: lookAgainAtMs === null ? null : new Date(lookAgainAtMs).toISOString(),
    estimatedBytes: added.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0),
    reasons: [
      ...(unusable === null ? [] : [notWholeText(unusable)]),
      ...warnings,
      ...(added.length > 0
        ? added.map(({ id }) => `${id}: ${copied.has(id) ? 'it has grown' : 'it is new'}`)
        : ['no restore point is new; files that are different are copied all the same']),
    ],
  };
}
