/** Workloads in the order in which they need somebody. Pure; the dashboard takes it, too. */

import type { ProtectedWorkload } from './protection.js';

type WorkloadState = ProtectedWorkload['state'];

const URGENCY: Readonly<Record<WorkloadState, number>> = {
  late: 0,
  unprotected: 1,
  unknown: 2,
  ok: 3,
  unwatched: 4,
};

/** Those that need somebody first; those in one state stay in their order. */
export function worstFirst<Workload extends { readonly state: WorkloadState }>(
  workloads: readonly Workload[],
): Workload[] {
  return [...workloads].sort((a, b) => URGENCY[a.state] - URGENCY[b.state]);
}
