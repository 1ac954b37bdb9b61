import { useState } from 'react';
import type { ListedJob } from '../../../api/jobs/job-schemas.js';
import type { StoredJob } from '../../../domain/targets/repository-view.js';
import { RemoveCopy } from '../workloads/copy-once.js';
import { isRead } from '../jobs/jobs-page.js';
import { useAction } from '../../client/actions.js';
import { useAllPages, useApi, type ApiPage } from '../../client/queries.js';
import { curlLine } from '../../show/commands.js';
import { Confirm } from '../../show/confirm.js';
import { CallFault } from '../../show/fault.js';
import { printable } from '../../../domain/printable.js';
import { bytes, counted } from '../../show/format.js';
import { Instant } from '../../show/instant.js';
import { Nothing, Waiting } from '../../show/page.js';
import { Rows, type Column } from '../../show/rows.js';
import { UnreadableParts } from '../../show/unreadable.js';

/** Jobs whose copies lie in the repository, also those that this server does not have: another one left them. */
export function StoredJobs({ repositoryId }: { readonly repositoryId: string }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="commands" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>Jobs whose copies lie here</summary>
      {isOpen && <StoredJobRows repositoryId={repositoryId} />}
    </details>
  );
}

function StoredJobRows({ repositoryId }: { readonly repositoryId: string }) {
  const stored = useAllPages<StoredJob>(`/repositories/${repositoryId}/jobs`, { everyMs: null });
  const jobs = useApi<ApiPage<ListedJob>>('/jobs');
  const known = new Map(jobs.data?.items.map((job) => [job.id, job]));
  const columns: readonly Column<StoredJob>[] = [
    { head: 'Job', width: '2fr', cell: ({ name }) => printable(name) },
    {
      head: 'Copies',
      width: '2fr',
      cell: ({ workloadCount, restorePointCount, storedBytes }) =>
        `${counted(workloadCount, 'machine')}, ${counted(restorePointCount, 'restore point')}, ${bytes(storedBytes)}`,
    },
    {
      head: 'Newest copy',
      width: '1fr',
      cell: ({ newestAt }) => (newestAt === null ? 'none' : <Instant at={newestAt} />),
    },
    { head: 'Sessions', width: '1fr', cell: ({ sessionCount }) => sessionCount },
    {
      head: 'On this server',
      width: '1.4fr',
      cell: (job) => {
        const { id, once, detached } = job;
        if (detached !== null)
          return (
            <span>
              detached from {detached.fromJobId} on <Instant at={detached.at} as="date" />
            </span>
          );
        if (once !== null)
          return (
            <div className="stack">
              <span>
                one-time copy,{' '}
                {once.expiresAt === null ? (
                  'without a date'
                ) : (
                  <>
                    until <Instant at={once.expiresAt} as="date" />
                  </>
                )}
              </span>
              <RemoveCopy repositoryId={repositoryId} copy={job} />
            </div>
          );
        return known.has(id) ? (
          whereWords(known.get(id), repositoryId)
        ) : jobs.data === undefined ? (
          'not known'
        ) : (
          <ImportJob repositoryId={repositoryId} jobId={id} />
        );
      },
    },
  ];
  return (
    <>
      {stored.error !== null && <CallFault error={stored.error} what="They could not be read." />}
      {stored.data === undefined && stored.error === null && <Waiting what="Reading" />}
      <UnreadableParts parts={stored.data?.unreadable} />
      {stored.data?.items.length === 0 && <Nothing>None: it holds no copies yet.</Nothing>}
      {(stored.data?.items.length ?? 0) > 0 && (
        <Rows
          label={`Jobs in ${repositoryId}`}
          columns={columns}
          rows={stored.data?.items ?? []}
          keyOf={({ id }) => id}
        />
      )}
    </>
  );
}

/** A job whose target was changed has left its copies behind. */
function whereWords(job: ListedJob | undefined, repositoryId: string): string {
  const to = job !== undefined && isRead(job) ? job.target.repositoryId : repositoryId;
  return to === repositoryId ? 'yes' : `yes, but it copies to ${to} now: nobody removes these`;
}

function ImportJob({
  repositoryId,
  jobId,
}: {
  readonly repositoryId: string;
  readonly jobId: string;
}) {
  const body = { repositoryId, jobId };
  const take = useAction({
    method: 'POST',
    path: '/jobs/import',
    body,
    done: `${jobId} runs on this server now.`,
  });
  return (
    <Confirm
      verb="Take over"
      title={`Take over ${jobId}`}
      commands={[
        `longhaul job import ${repositoryId} ${jobId}`,
        curlLine('POST', '/jobs/import', body),
      ]}
      action={take}
      onConfirm={() => take.mutate()}
    >
      <p className="definition">
        The job starts by itself on this server and goes on with increments. Make sure that no other
        server runs it still: two would take the chains from each other.
      </p>
    </Confirm>
  );
}
