/** Why a workload is not copied as its source shows it. Pure. */

import type { Copies, ProtectedWorkload } from './protection.js';
import type { SourceFacts } from './workload-facts.js';

/** Why it, or its newest backup, cannot be copied, in plain words; null: it can, or each of its jobs has a copy of that. Jobs that copy its copies read nothing
 *  of it. */
export function sourceProblem({
  repositoryId,
  source,
  copies,
}: Pick<ProtectedWorkload, 'repositoryId' | 'source' | 'copies'>): string | null {
  if (source === null || source.problem !== null) return source?.problem ?? null;
  const own = copies.filter(({ job }) =>
    job.sources.include.some((included) => included.repositoryId === repositoryId),
  );
  if (own.length === 0) return source.missed?.text ?? null;
  return own.flatMap((copy) => missedBy(source, copy))[0] ?? null;
}

function missedBy(
  { missed, missedWithLogs }: SourceFacts,
  { job, chain }: Pick<Copies, 'job' | 'chain'>,
): string[] {
  const newest = job.transactionLogs ? missedWithLogs : missed;
  if (newest === undefined) return [];
  const [copiedSeconds = -Infinity] = chain?.recentAtSeconds ?? [];
  return newest.mayBeCopied && copiedSeconds >= newest.atSeconds ? [] : [newest.text];
}
