import { useQuery } from '@tanstack/react-query';
import { useParams } from 'wouter';
import type { JobView } from '../../../api/jobs/job-schemas.js';
import type { ApiError } from '../../client/call-api.js';
import { EVERY, useApi } from '../../client/queries.js';
import { useEvery } from '../../client/use-every.js';
import { Commands, curlLine } from '../../show/commands.js';
import { CallFault, Fault } from '../../show/fault.js';
import { definitionOf } from './edit-job.js';
import { createCommand, jobWords } from '../../show/job-words.js';
import { Page, Section, Waiting } from '../../show/page.js';
import { State } from '../../show/state.js';
import { sayJobState } from '../../show/words.js';
import { Instant } from '../../show/instant.js';
import { MissedStart } from './missed-start.js';
import { counted } from '../../show/format.js';
import { startsOf } from './dry-run.js';
import { Decisions } from './decisions.js';
import { JobActions } from './job-actions.js';
import { PolicySimulator } from './policy-simulator.js';
import { PlanSection } from './plan-section.js';
import { Runs } from './runs.js';

export function JobPage() {
  const { id } = useParams<{ id: string }>();
  const everyMs = useEvery(EVERY.few);
  const job = useApi<JobView>(`/jobs/${encodeURIComponent(id)}`, { everyMs });
  return (
    <Page
      title={job.data?.name ?? id}
      beside={job.data !== undefined && <State said={sayJobState(job.data.state)} />}
      asOfMs={job.dataUpdatedAt}
      actions={job.data !== undefined && <JobActions job={job.data} />}
    >
      {job.error !== null && (
        <CallFault error={job.error} what={`The job ${id} could not be read.`} />
      )}
      {job.data === undefined && job.error === null && <Waiting what="Asking for the job" />}
      {job.data !== undefined && <Definition job={job.data} />}
      {job.data !== undefined && (
        <PlanSection key={job.data.revision} jobId={id} revision={job.data.revision} />
      )}
      {job.data !== undefined && job.data.kind !== 'mirror' && (
        <Section
          title="What would stay"
          note="in the days ahead, by the rules that sessions go by; with other rules on the page Edit"
        >
          <PolicySimulator jobId={id} definition={definitionOf(job.data)} isChanged={false} />
        </Section>
      )}
      <Runs jobId={id} title="Runs" zone={job.data?.timeZone} />
    </Page>
  );
}

function Definition({ job }: { readonly job: JobView }) {
  const noun = job.kind === 'mirror' ? 'mirror-job' : 'job';
  return (
    <Section title="What it does" note={`revision ${job.revision}`}>
      <div className="stack">
        <JobFaults job={job} />
        {job.description !== '' && <p className="definition">{job.description}</p>}
        <p className="definition">{jobWords(job)}</p>
        <NextStart job={job} />
        {job.state !== 'disabled' && job.nextRunAt !== null && <NextStarts job={job} />}
        <Commands
          title="The same job on the command line, with its whole definition"
          lines={[
            ...(job.kind === 'mirror' ? [] : [createCommand(definitionOf(job), job.id)]),
            `longhaul ${noun} show ${job.id} --json > ${job.id}.json`,
            `longhaul ${noun} update ${job.id} --file ${job.id}.json`,
          ]}
        />
      </div>
    </Section>
  );
}

function JobFaults({ job }: { readonly job: JobView }) {
  const { state, undecidedSessionId, skippedStarts, missedStartAt, timeZone } = job;
  return (
    <>
      {state === 'actionRequired' && undecidedSessionId !== null && (
        <Decisions job={job} sessionId={undecidedSessionId} />
      )}
      {state === 'disabled' && (
        <Fault
          mood="attention"
          what="It does not start by itself, because it is disabled."
          hint="Enable it, when it is to copy again."
        />
      )}
      {missedStartAt !== null && <MissedStart at={missedStartAt} zone={timeZone} />}
      {skippedStarts > 0 && (
        <Fault
          mood="attention"
          what={`${counted(skippedStarts, 'start')} ${skippedStarts === 1 ? 'was' : 'were'} left out since the job was made, because the service was down.`}
          hint="Nothing to do when a later session succeeded; missedStarts: run makes up for them."
        />
      )}
    </>
  );
}

function NextStart({ job }: { readonly job: JobView }) {
  const { nextRunAt, nextTryAt, timeZone } = job;
  return (
    <dl className="facts">
      <dt>Next start by itself</dt>
      <dd>
        {nextRunAt === null ? (
          noNextRun(job)
        ) : (
          <>
            <Instant at={nextRunAt} zone={timeZone} as="date" /> (
            <Instant at={nextRunAt} zone={timeZone} />)
          </>
        )}
      </dd>
      {nextTryAt !== null && (
        <>
          <dt>Next try of what failed</dt>
          <dd>
            <Instant at={nextTryAt} zone={timeZone} />
          </dd>
        </>
      )}
      <dt>Days and hours of</dt>
      <dd>{timeZone}</dd>
    </dl>
  );
}

/** The starts that its calendar has, in its zone and in the viewer's. */
function NextStarts({ job: { id, revision, schedule, timeZone } }: { readonly job: JobView }) {
  const starts = useQuery<readonly string[], ApiError>({
    queryKey: ['starts', id, revision],
    queryFn: () => startsOf({ schedule, timeZone }),
    refetchInterval: EVERY.minute,
  });
  return (
    <details className="commands">
      <summary>The next starts</summary>
      {starts.error !== null && (
        <CallFault error={starts.error} what="They could not be reckoned." />
      )}
      {starts.data === undefined && starts.error === null && <Waiting what="Reckoning them" />}
      <ul className="plain-list">
        {starts.data?.map((at) => (
          <li key={at}>
            <Instant at={at} zone={timeZone} as="date" /> (<Instant at={at} zone={timeZone} />)
          </li>
        ))}
      </ul>
      <Commands lines={[curlLine('POST', '/schedules/preview', { schedule, timeZone })]} />
    </details>
  );
}

function noNextRun({ state, mode, schedule }: JobView): string {
  if (state === 'disabled') return 'none: it is disabled';
  if (mode === 'immediate') return 'as soon as its sources show something new';
  if (schedule.type === 'afterJob') return `after the next session of ${schedule.jobId}`;
  return schedule.type === 'manual' ? 'none: it is started by hand' : 'none that lies ahead';
}
