/** Plans of jobs, asked for page by page and shown. */

import type { JobPlan } from '../../domain/sessions/operation.js';
import type { CommandContext } from '../command-context.js';
import {
  display,
  displayLines,
  formatBytes,
  formatTable,
  type DisplayText,
} from '../display/display-text.js';

export interface PlanRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
}

export async function wholePlan(
  { server }: CommandContext,
  request: PlanRequest,
): Promise<JobPlan> {
  const { method, path, body } = request;
  const workloads: JobPlan['workloads'][number][] = [];
  for (let cursor = ''; ;) {
    const page = await server.request<JobPlan>(
      method,
      `${path}${cursor}`,
      body === undefined ? {} : { body },
    );
    workloads.push(...page.workloads);
    if (page.nextCursor === undefined) return { workloads };
    cursor = `?cursor=${encodeURIComponent(page.nextCursor)}`;
  }
}

export function describePlan({ workloads }: JobPlan, columns: number): DisplayText {
  if (workloads.length === 0) return display`No workload matches the sources of the job.`;
  const table = formatTable(
    ['WORKLOAD', 'ALGORITHM', 'RESTORE POINTS', 'TO READ', 'WHY'],
    workloads.map(({ workload, algorithm, restorePoints, estimatedBytes, reasons }) => [
      workload,
      algorithm,
      restorePoints.join(', '),
      estimatedBytes === null ? 'unknown' : formatBytes(estimatedBytes),
      reasons.join('; '),
    ]),
    { columns, cut: ['WHY'] },
  );
  return displayLines([table, ...workloads.flatMap(describeRetention)]);
}

function describeRetention({
  workload,
  retention,
  omitted,
}: JobPlan['workloads'][number]): DisplayText[] {
  const { keep, actions, warnings } = retention;
  return [
    ...(omitted > 0 ? [display`${workload}: ${omitted} more entries are left out here`] : []),
    ...warnings.map((warning) => display`${workload}: warning: ${warning}`),
    ...actions.map((action) => display`${workload}: ${action}`),
    ...keep.map(({ id, reasons }) => display`${workload}: keep ${id}: ${reasons.join('; ')}`),
  ];
}
