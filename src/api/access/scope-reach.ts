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

/** What definitions of jobs of any kind say of their places. */
interface Definition {
  readonly sources?: { readonly include: readonly Named[] };
  readonly source?: Named;
  readonly target?: Named;
  readonly secondaryTargets?: readonly Named[];
}

/** Repositories that a definition of a job names. */
export function reachOf(job: Definition): Pick<TokenScope, 'repositories'> {
  const { sources, source, target, secondaryTargets = [] } = job;
  const named = [...(sources?.include ?? []), source, target, ...secondaryTargets];
  return { repositories: named.flatMap((each) => each?.repositoryId ?? []) };
}
