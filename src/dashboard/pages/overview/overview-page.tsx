import { Link } from 'wouter';
import type { Overview, VerdictView, WorkloadView } from '../../../api/safety/overview-schemas.js';
import { asOfMs, EVERY, useApi, type ApiPage } from '../../client/queries.js';
import { Commands } from '../../show/commands.js';
import { CallFault, Fault } from '../../show/fault.js';
import { counted } from '../../show/format.js';
import { Instant } from '../../show/instant.js';
import { NightGrid, NightKey } from '../../show/nights.js';
import { Nothing, Page, Section, Waiting } from '../../show/page.js';
import { sentence } from '../../show/sentence.js';
import { MoodIcon } from '../../show/state.js';
import type { Mood } from '../../show/words.js';
import { NextStarts, RunningSessions, TargetFill } from './overview-now.js';
import { Problems } from './problems.js';

/** Are we safe, and what must I do now? */
export function OverviewPage() {
  const overview = useApi<Overview>('/overview', { everyMs: EVERY.usual, isComing });
  const { data, error } = overview;
  return (
    <Page title="Overview" asOfMs={asOfMs(data)}>
      {error !== null && (
        <CallFault error={error} what="Whether the copies are safe is not known." />
      )}
      {data === undefined && error === null && <Waiting what="Looking into every repository" />}
      {data !== undefined && (
        <>
          <VerdictSentence overview={data} isKnown={error === null} />
          {isAllLeft(data) && <Leftovers counts={data.counts} />}
          <Problems problems={data.problems} omitted={data.omittedProblems} />
          {!isAllLeft(data) && <Leftovers counts={data.counts} />}
          <RunningSessions running={data.running} omitted={data.omittedRunning} />
          <Nights counts={data.counts} />
          <div className="columns">
            <NextStarts next={data.next} />
            <TargetFill repositories={data.repositories} />
          </div>
        </>
      )}
      <Commands lines={['longhaul safe', 'longhaul workload list']} />
    </Page>
  );
}

/** After the start of the service. */
function isComing({ problems }: Overview): boolean {
  return problems.some(({ code }) => code === 'NOT_LOOKED_AT');
}

const MOODS: Readonly<Record<VerdictView['state'], Mood>> = {
  safe: 'good',
  unsafe: 'bad',
  unknown: 'unknown',
};
const WORDS: Readonly<Record<VerdictView['state'], string>> = {
  safe: 'Safe.',
  unsafe: 'Not safe.',
  unknown: 'Not known to be safe.',
};

/** The rows behind each part of the sentence. */
const PROOFS: Readonly<Record<VerdictView['clauses'][number]['about'], string>> = {
  coverage: '/workloads',
  uncopied: '/repositories',
  late: '/workloads?state=late',
  unknown: '/workloads?state=unknown',
  unprotected: '/workloads?state=unprotected',
  repositories: '/repositories',
  jobs: '/jobs',
  damage: '/health',
  verification: '/health',
};

function VerdictSentence({
  overview: { verdict, counts },
  isKnown,
}: {
  readonly overview: Overview;
  /** false: the last answer is shown, and the next one failed. */
  readonly isKnown: boolean;
}) {
  const { state, clauses, since } = verdict;
  const mood = isKnown ? MOODS[state] : 'unknown';
  return (
    <div className="verdict" data-mood={mood} role="status">
      <MoodIcon mood={mood} size={34} />
      <div>
        <p>
          {!isKnown && 'Not known now. When it was last asked: '}
          {WORDS[state]}{' '}
          {clauses.map(({ about, text }, index) => (
            <span key={`${about} ${text}`}>
              <Link href={PROOFS[about]}>
                {index === 0 ? `${text.charAt(0).toUpperCase()}${text.slice(1)}` : text}
              </Link>
              {index === clauses.length - 1 ? '.' : '; '}
            </span>
          ))}
        </p>
        <div className="faint">
          {since !== null && state !== 'safe' && (
            <>
              Since <Instant at={since} as="date" /> (<Instant at={since} />
              ).{' '}
            </>
          )}
          {counted(counts.restorePoints, 'restore point')} of{' '}
          {counted(counts.keptWorkloads, 'workload')} are kept.
        </div>
      </div>
    </div>
  );
}

/** Whether there is nothing but copies of no job, as after a disaster: then they come first. */
function isAllLeft({ counts }: Pick<Overview, 'counts'>): boolean {
  return counts.workloads === 0;
}

/** What is there without a job. */
function Leftovers({ counts }: Pick<Overview, 'counts'>) {
  const { leftoverRestorePoints, leftoverWorkloads } = counts;
  if (leftoverRestorePoints === 0) return null;
  const isAll = isAllLeft({ counts });
  return (
    <Fault
      mood={isAll ? 'attention' : 'quiet'}
      what={
        <>
          <Link href="/workloads">
            {counted(leftoverRestorePoints, 'restore point')} of{' '}
            {counted(leftoverWorkloads, 'workload')}
          </Link>{' '}
          {leftoverRestorePoints === 1 ? 'belongs' : 'belong'} to no job.
        </>
      }
      reason="Each can be restored from the page of its workload. No session adds to them, and no health check of a job reads them."
      hint={
        isAll
          ? '`longhaul repository scan <repository>` lists the jobs that they are of, `longhaul job import <repository> <job>` takes one over with its copies.'
          : 'Where their job is to go on here, `longhaul job import <repository> <job>` takes it over with its copies.'
      }
    >
      <Link href="/repositories">Jobs whose copies lie there</Link>
    </Fault>
  );
}

/** The grid is for one look; the whole list has its own page. */
const SHOWN_ROWS = 20;

function Nights({ counts }: Pick<Overview, 'counts'>) {
  const workloads = useApi<ApiPage<WorkloadView>>(
    `/workloads?order=worstFirst&limit=${SHOWN_ROWS}`,
    { everyMs: EVERY.minute },
  );
  const rows = (workloads.data?.items ?? []).filter(({ state }) => state !== 'unwatched');
  return (
    <Section title="The last 14 days" note={<NightKey />}>
      {workloads.error !== null && (
        <CallFault error={workloads.error} what="The workloads could not be read." />
      )}
      {workloads.data === undefined && workloads.error === null && (
        <Waiting
          what={sentence(`Asking for ${counted(counts.workloads, 'workload')}`).slice(0, -1)}
        />
      )}
      {workloads.data !== undefined && rows.length === 0 && (
        <NoNights known={counts.workloads + counts.unwatched} page={workloads.data} />
      )}
      {rows.length > 0 && <NightGrid workloads={rows} />}
      {counts.workloads > SHOWN_ROWS && (
        <p className="small">
          The {SHOWN_ROWS} that need it most are shown.{' '}
          <Link href="/workloads">All {counted(counts.workloads, 'workload')}</Link>
        </p>
      )}
    </Section>
  );
}

/** Only what was looked at whole can be said to be empty. */
function NoNights({
  known,
  page: { items, unreadable = [] },
}: {
  readonly known: number;
  readonly page: ApiPage<WorkloadView>;
}) {
  if (items.length > 0)
    return (
      <Nothing>
        Nothing is to be copied of the <Link href="/workloads">{counted(known, 'workload')}</Link>{' '}
        that {known === 1 ? 'is' : 'are'} known.
      </Nothing>
    );
  if (unreadable.length > 0)
    return <Nothing>No workload was seen, and not everything could be looked at.</Nothing>;
  return (
    <Nothing>
      No source shows a machine, and there are no copies. Is the right folder configured? See{' '}
      <Link href="/repositories">Repositories</Link>.
    </Nothing>
  );
}
