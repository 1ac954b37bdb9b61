import type { WorkloadPlan } from '../../domain/sessions/operation.js';
import { cut } from '../../domain/sessions/task-brief.js';

/** Of each list of one workload's plan. */
const MAX_ENTRIES = 200;
const ENTRY_CHARACTERS = 1_000;

/** A plan of bounded size: the heads of its lists, the newest of what is kept, and the number of what is left out. */
export function boundedPlan(plan: Omit<WorkloadPlan, 'omitted'>): WorkloadPlan {
  const { restorePoints, reasons, retention } = plan;
  const lists = [restorePoints, reasons, ...Object.values(retention)];
  const omitted = lists.reduce((sum, { length }) => sum + Math.max(0, length - MAX_ENTRIES), 0);
  return {
    ...plan,
    restorePoints: restorePoints.slice(0, MAX_ENTRIES),
    reasons: texts(reasons),
    retention: {
      keep: retention.keep.slice(-MAX_ENTRIES),
      actions: texts(retention.actions),
      warnings: texts(retention.warnings),
    },
    omitted,
  };
}

function texts(entries: readonly string[]): string[] {
  return entries.slice(0, MAX_ENTRIES).map((entry) => cut(entry, ENTRY_CHARACTERS));
}
