/** What a caller whose token is bound to some jobs may let them reach: a definition names repositories that his token is not for. */

import { refusalBeyond, type Caller, type TokenScope } from '../../domain/access/access.js';
import { BackupError } from '../../domain/errors.js';

/** @param present what it reaches already @throws PERMISSION_MISSING */
export function refuseBeyond(
  caller: Caller,
  named: Partial<TokenScope>,
  present: Partial<TokenScope> = {},
): void {
  const all = { jobs: [], repositories: [] };
  const refusal = refusalBeyond(caller, { ...all, ...named }, { ...all, ...present });
  if (refusal !== null) throw new BackupError('PERMISSION_MISSING', refusal);
}

interface Named {
  readonly repositoryId: string;
}

interface Started {
  readonly schedule?: { readonly type: string; readonly jobId?: string } | null | undefined;
}

/** What definitions of jobs of any kind say of their places, and of the jobs that they start after. */
interface Definition extends Started {
  readonly sources?: { readonly include: readonly Named[] };
  readonly source?: Named;
  readonly target?: Named;
  readonly secondaryTargets?: readonly (Named & Started)[];
}

/** Repositories and other jobs that a definition of a job names. */
export function reachOf(job: Definition): TokenScope {
  const { sources, source, target, secondaryTargets = [] } = job;
  const named = [...(sources?.include ?? []), source, target, ...secondaryTargets];
  return {
    jobs: [job, ...secondaryTargets].flatMap(({ schedule }) => schedule?.jobId ?? []),
    repositories: named.flatMap((each) => each?.repositoryId ?? []),
  };
}
