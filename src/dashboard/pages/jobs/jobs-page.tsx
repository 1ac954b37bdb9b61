import { Button } from '@mantine/core';
import { Link } from 'wouter';
import type { JobView, ListedJob } from '../../../api/jobs/job-schemas.js';
import { useApi, type ApiPage } from '../../client/queries.js';
import { CallFault, Fault } from '../../show/fault.js';
import { Instant } from '../../show/instant.js';
import { placeWords, startWords } from '../../show/job-words.js';
import { AllJobs } from './all-jobs.js';
import { MissedStart } from './missed-start.js';
import { Nothing, Page, Section, Waiting } from '../../show/page.js';
import { Rows, type Column } from '../../show/rows.js';
import { State } from '../../show/state.js';
import { UnreadableParts } from '../../show/unreadable.js';
import { sayJobState, saySession } from '../../show/words.js';

/** Jobs that need somebody first, then by name. */
const URGENCY = ['actionRequired', 'unknown', 'disabled', 'enabled'];

export function JobsPage() {
  const jobs = useApi<ApiPage<ListedJob>>('/jobs');
  const items = [...(jobs.data?.items ?? [])].sort(
    (a, b) =>
      URGENCY.indexOf(a.state) - URGENCY.indexOf(b.state) ||
      (a.name ?? a.id).localeCompare(b.name ?? b.id),
  );
  return (
    <Page
      title="Jobs"
      asOfMs={jobs.dataUpdatedAt}
      actions={
        <>
          <AllJobs jobs={items} />
          <Button component={Link} href="/new-job" size="sm">
            New job
          </Button>
        </>
      }
    >
      {jobs.error !== null && <CallFault error={jobs.error} what="The jobs could not be read." />}
      <UnreadableParts parts={jobs.data?.unreadable} />
      <Section title="What runs when, and did it?">
        {jobs.data === undefined && jobs.error === null && <Waiting what="Asking for the jobs" />}
        {jobs.data !== undefined && items.length === 0 && (
          <Nothing>
            There is no job yet, so nothing is copied.{' '}
            <Link href="/new-job">Make the first one</Link>.
          </Nothing>
        )}
        {items.length > 0 && (
          <Rows
            label="Jobs"
            columns={COLUMNS}
            rows={items}
            keyOf={({ id }) => id}
            below={belowJob}
          />
        )}
      </Section>
    </Page>
  );
}

const COLUMNS: readonly Column<ListedJob>[] = [
  {
    head: 'Job',
    width: '2fr',
    cell: ({ id, name }) => <Link href={`/jobs/${id}`}>{name ?? id}</Link>,
  },
  { head: 'State', width: '1.1fr', cell: ({ state }) => <State said={sayJobState(state)} /> },
  {
    head: 'What and where',
    width: '2fr',
    cell: (job) => (isRead(job) ? placeWords(job) : 'not known'),
  },
  {
    head: 'When',
    width: '2fr',
    cell: (job) => (
      <>
        {isRead(job) ? startWords(job) : job.mode}
        <NextRun job={job} />
      </>
    ),
  },
  { head: 'Last session', width: '1.5fr', cell: (job) => <LastSession job={job} /> },
];

function NextRun({ job }: { readonly job: ListedJob }) {
  if (job.nextRunAt === null) return null;
  return (
    <div className="small">
      next <Instant at={job.nextRunAt} zone={isRead(job) ? job.timeZone : undefined} />
    </div>
  );
}

function LastSession({ job: { lastSession } }: { readonly job: Pick<ListedJob, 'lastSession'> }) {
  if (lastSession === null) return <span className="faint">none yet</span>;
  return (
    <Link href={`/sessions/${lastSession.id}`} className="quiet-link">
      <State said={saySession(lastSession)} />{' '}
      <span className="small">
        <Instant at={lastSession.endedAt ?? lastSession.startedAt} />
      </span>
    </Link>
  );
}

function belowJob(job: ListedJob) {
  if (!isRead(job))
    return (
      <Fault
        mood="unknown"
        what="Its definition is not known."
        reason={job.reason}
        hint="Look again in a moment; if it stays so, look at the Temporal server."
      />
    );
  if (job.state === 'actionRequired') {
    return (
      <Fault what="It waits for a decision: its last session says about what.">
        <Link href={`/jobs/${job.id}`}>Decide</Link>
      </Fault>
    );
  }
  return job.missedStartAt === null ? null : (
    <MissedStart at={job.missedStartAt} zone={job.timeZone} />
  );
}

export function isRead(job: ListedJob): job is JobView {
  return job.state !== 'unknown';
}
