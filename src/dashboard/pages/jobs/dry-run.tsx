import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { JobPlan } from '../../../domain/sessions/operation.js';
import { askApi, type ApiError } from '../../client/call-api.js';
import { withQuery } from '../../client/queries.js';
import { CallFault } from '../../show/fault.js';
import { counted } from '../../show/format.js';
import { Instant } from '../../show/instant.js';
import type { WantedJob } from './new-job.js';
import { PlanRows } from './plan-section.js';

export interface Preview {
  readonly plan: JobPlan;
  /** Of the first days; none for a job without a calendar. */
  readonly starts: readonly string[];
}

const STARTS_SHOWN = 5;

/** What the first session of a job would do, and when the next ones begin, before the job is made. It reads sources and target. */
export function DryRun({ job }: { readonly job: WantedJob }) {
  const preview = useMutation<Preview, ApiError>({ mutationFn: () => previewOf(job) });
  return (
    <div className="stack">
      <Button
        w="fit-content"
        variant="default"
        loading={preview.isPending}
        onClick={() => preview.mutate()}
      >
        Show what it would do
      </Button>
      {preview.error !== null && (
        <CallFault error={preview.error} what="It could not be found out." />
      )}
      {preview.data !== undefined && <PreviewOf preview={preview.data} job={job} />}
    </div>
  );
}

/** What is planned of: a definition, whole. */
type Planned = Pick<WantedJob, 'schedule' | 'timeZone'>;

/** @param job of which the preview is */
export function PreviewOf({
  preview: { starts, plan },
  job,
}: {
  readonly preview: Preview;
  readonly job: Planned;
}) {
  return (
    <>
      {starts.length > 0 && (
        <p>
          It would start:{' '}
          {starts.map((start, index) => (
            <span key={start}>
              {index > 0 && ', '}
              <Instant at={start} zone={job.timeZone} as="date" />
            </span>
          ))}
          .
        </p>
      )}
      <PlanPages first={plan} job={job} />
    </>
  );
}

/** A plan of many workloads comes page by page, and one that is cut must not look like all of it. */
function PlanPages({ first, job }: { readonly first: JobPlan; readonly job: Planned }) {
  const [pages, setPages] = useState<readonly JobPlan[]>([first]);
  const workloads = pages.flatMap((page) => page.workloads);
  const cursor = pages.at(-1)?.nextCursor;
  const more = useMutation<JobPlan, ApiError>({
    mutationFn: () => askApi<JobPlan>(withQuery('/plans', { cursor }), job),
    onSuccess: (page) => setPages([...pages, page]),
  });
  return (
    <>
      <PlanRows plan={{ workloads }} />
      {cursor !== undefined && (
        <div className="line">
          <p>
            These are the first {counted(workloads.length, 'workload')}; more follow, of which
            copies may go, too.
          </p>
          <Button
            size="compact-sm"
            variant="default"
            loading={more.isPending}
            onClick={() => more.mutate()}
          >
            Show the next workloads
          </Button>
        </div>
      )}
      {more.error !== null && (
        <CallFault error={more.error} what="The next workloads could not be planned." />
      )}
    </>
  );
}

export async function previewOf(job: Planned): Promise<Preview> {
  const plan = await askApi<JobPlan>('/plans', job);
  return { plan, starts: (await startsOf(job)).slice(0, STARTS_SHOWN) };
}

/** The next ten, as Temporal reckons them; none for a job without a calendar. */
export async function startsOf({ schedule, timeZone }: Planned): Promise<readonly string[]> {
  const { times } = await askApi<{ readonly times: readonly string[] }>('/schedules/preview', {
    schedule,
    timeZone,
  });
  return times;
}
