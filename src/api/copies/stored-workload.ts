/** Copies in a target, as an order names them. */

import { BackupError } from '../../domain/errors.js';
import type { MappedWorkload } from '../../domain/jobs/chain-mapping.js';
import { severalNamed } from '../../domain/jobs/source-scope.js';
import { pathSegment, workloadSegment } from '../../domain/targets/path-segment.js';
import type { UnreadablePart } from '../../domain/targets/unreadable-part.js';
import { pagesOf, type RepositoryBrowser } from '../repositories/repository-browser.js';

/** What lies in a target of a job and a workload. An order that was stopped left a folder that belongs to another job already: by its id it is found, too.
 *  A name that several have says none of them: copies of the wrong machine would change hands.
 *  @throws WORKLOAD_MISSING, REQUEST_INVALID */
export async function storedWorkload(
  browser: Pick<RepositoryBrowser, 'workloads'>,
  repositoryId: string,
  { jobId, named }: { readonly jobId: string; readonly named: string },
): Promise<{ workload: MappedWorkload; isStopped: boolean }> {
  const unread: UnreadablePart[] = [];
  const namesakes: MappedWorkload[] = [];
  for await (const page of pagesOf((cursor) => browser.workloads(repositoryId, cursor))) {
    unread.push(...(page.unreadable ?? []));
    for (const { id, name, type } of page.items.filter((item) => item.jobId === jobId)) {
      if (id === named) return { workload: { id, name, type }, isStopped: false };
      if (name === named) namesakes.push({ id, name, type });
    }
  }
  const [namesake] = namesakes;
  if (namesakes.length > 1)
    throw new BackupError('REQUEST_INVALID', severalNamed(named, namesakes));
  if (namesake !== undefined) return { workload: namesake, isStopped: false };
  const path = `${pathSegment(jobId)}/${workloadSegment(named)}`;
  const part = unread.find((each) => each.path === path);
  if (part?.code === 'CHAIN_FOREIGN')
    return { workload: { id: named, name: named, type: '' }, isStopped: true };
  throw new BackupError(
    'WORKLOAD_MISSING',
    part === undefined
      ? `job ${jobId} keeps no copies of ${named} in ${repositoryId}`
      : `${part.path} cannot be read: ${part.reason}`,
  );
}
