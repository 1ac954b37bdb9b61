import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { JobPlan } from '../../domain/sessions/operation.js';
import { askApi, type ApiError } from '../client/call-api.js';
import { CallFault } from '../show/fault.js';
import { Instant } from '../show/instant.js';
import type { WantedJob } from '../show/new-job.js';
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
      {preview.data !== undefined && <PreviewOf preview={preview.data} zone={job.timeZone} />}
    </div>
  );
}

export function PreviewOf({
  preview: { starts, plan },
  zone,
}: {
  readonly preview: Preview;
  readonly zone: string;
}) {
  return (
    <>
      {starts.length > 0 && (
        <p>
          It would start:{' '}
          {starts.map((start, index) => (
            <span key={start}>
              {index > 0 && ', '}
              <Instant at={start} zone={zone} as="date" />
            </span>
          ))}
          .
        </p>
      )}
      <PlanRows plan={plan} />
    </>
  );
}

export async function previewOf(job: Pick<WantedJob, 'schedule' | 'timeZone'>): Promise<Preview> {
  const plan = await askApi<JobPlan>('/plans', job);
  return { plan, starts: (await startsOf(job)).slice(0, STARTS_SHOWN) };
}

/** The next ten, as Temporal reckons them; none for a job without a calendar. */
export async function startsOf({
  schedule,
  timeZone,
}: Pick<WantedJob, 'schedule' | 'timeZone'>): Promise<readonly string[]> {
  const { times } = await askApi<{ readonly times: readonly string[] }>('/schedules/preview', {
    schedule,
    timeZone,
  });
  return times;
}
