/** What is kept of a workload: by jobs, and what no job makes any more. It is restored alike. Pure. */

import type { KeptView, WorkloadView } from '../../api/safety/overview-schemas.js';
import { counted, shellWord } from './format.js';

/** Its restore points in one target. */
export interface KeptPlace extends KeptView {
  readonly jobId: string;
  readonly repositoryId: string;
  readonly workloadId: string;
  /** No job makes them any more. */
  readonly isLeft: boolean;
}

/** Where restore points of it lie; those of jobs first. */
export function keptPlaces({
  copies,
  leftovers,
}: Pick<WorkloadView, 'copies' | 'leftovers'>): KeptPlace[] {
  return [
    ...copies.map((each) => ({ ...each, isLeft: false })),
    ...leftovers.map((each) => ({ ...each, isLeft: true })),
  ].filter(({ restorePointCount }) => restorePointCount > 0);
}

/** Where it lies, and under which id: copies of copies have one of their own. */
interface RestorePlace {
  readonly repositoryId: string;
  readonly workloadId: string;
}

/** Where to restore it from: that of the newest copy that can be restored, by a job or by none; without one its source, if that shows it; then what
 *  is damaged, of which a part may be good. null: there is nothing. */
export function restoreFrom(workload: WorkloadView): RestorePlace | null {
  const places = keptPlaces(workload);
  const [newest] = places
    .filter(({ newestAt }) => newestAt !== null)
    .toSorted((a, b) => (b.newestAt ?? '').localeCompare(a.newestAt ?? ''));
  const hasSource = (workload.sourcePointCount ?? 0) > 0;
  const source = { repositoryId: workload.repositoryId, workloadId: workload.id };
  const from = newest ?? (hasSource ? source : places[0]);
  return from === undefined
    ? null
    : { repositoryId: from.repositoryId, workloadId: from.workloadId };
}

/** Jobs that keep this workload where these copies lie, under the same id: one of them can go on with them. */
export function jobsBeside(
  { repositoryId, workloadId }: Pick<KeptPlace, 'repositoryId' | 'workloadId'>,
  { copies }: Pick<WorkloadView, 'copies'>,
): string[] {
  return copies
    .filter((each) => each.repositoryId === repositoryId && each.workloadId === workloadId)
    .map(({ jobId }) => jobId);
}

/** What lists the restore points of each place. */
export function listCommands(workload: Pick<WorkloadView, 'copies' | 'leftovers'>): string[] {
  return [...workload.copies, ...workload.leftovers].map(
    ({ repositoryId, workloadId }) =>
      `longhaul restore-point list ${repositoryId} --workload ${shellWord(workloadId)}`,
  );
}

/** Where no copy can be restored. */
export function nothingKeptWords(workload: WorkloadView): string {
  const { restorePointCount, sourcePointCount, sourceState } = workload;
  const hasSource = (sourcePointCount ?? 0) > 0;
  if (restorePointCount > 0) {
    const all = `None of its ${counted(restorePointCount, 'copy', 'copies')} can be trusted`;
    if (!hasSource) return `${all}, and no restore point was seen at a source.`;
    return `${all}; its source ${sourceState === 'seen' ? 'has it still' : 'had it when it was last seen'}.`;
  }
  return hasSource
    ? 'There is nothing to restore it from but its source.'
    : 'There is nothing to restore it from: no copy was seen, and no restore point at a source.';
}

/** `15`, or `15 (12 of no job)`. */
export function countWithLeftovers({
  restorePointCount,
  leftovers,
}: Pick<WorkloadView, 'restorePointCount' | 'leftovers'>): string {
  const left = leftovers.reduce((sum, each) => sum + each.restorePointCount, 0);
  return `${restorePointCount.toLocaleString('en')}${left === 0 ? '' : ` (${left.toLocaleString('en')} of no job)`}`;
}
