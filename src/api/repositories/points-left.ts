/** Copies that lie where their job does not copy to any more: the definition beside them is of the time when it did, and nothing goes by it. */

import type { RestorePointView } from '../../domain/targets/repository-view.js';

/** Why they are kept, and until when, told anew.
 *  @param targetOf where a job of this server copies to now; null: there is no such job, and nobody here knows more than the definition */
export async function withoutOldReasons(
  points: readonly RestorePointView[],
  repositoryId: string,
  targetOf: (jobId: string) => Promise<string | null>,
): Promise<RestorePointView[]> {
  const jobIds = [...new Set(points.flatMap(({ jobId }) => jobId ?? []))];
  const targets = new Map(
    await Promise.all(jobIds.map(async (id) => [id, await targetOf(id)] as const)),
  );
  return points.map((point) => {
    const target = point.jobId === null ? null : (targets.get(point.jobId) ?? null);
    if (target === null || target === repositoryId) return point;
    const reason = `job ${String(point.jobId)} copies elsewhere now, and removes nothing here`;
    return { ...point, keptUntil: null, keptBecause: [reason] };
  });
}
