import { Link } from 'wouter';
import type { ComingRun, RepositoryState } from '../../../api/safety/overview-schemas.js';
import type { RunningSession } from '../../../api/sessions/session-schemas.js';
import { bytes } from '../../show/format.js';
import { Instant } from '../../show/instant.js';
import { Nothing, Section } from '../../show/page.js';
import { ProgressBar } from '../../show/progress.js';
import { countWords } from '../../show/session-verdict.js';
import { runningWords } from '../../show/running-words.js';
import { State } from '../../show/state.js';
import { saySession } from '../../show/words.js';

/** As many lines of a list: what comes after it says whether copies are safe, and has to be seen without a search. */
const MOST_LINES = 8;

export function RunningSessions({
  running,
  omitted,
}: {
  readonly running: readonly RunningSession[];
  readonly omitted: number;
}) {
  if (running.length === 0) return null;
  const more = Math.max(0, running.length - MOST_LINES) + omitted;
  return (
    <Section title="Running now">
      <div className="stack">
        {running.slice(0, MOST_LINES).map((session) => (
          <div key={session.id}>
            <div className="line">
              <Link href={`/sessions/${session.id}`}>{session.id}</Link>
              <State said={saySession(session)} />
              <span className="small">{runningWords(session)}</span>
            </div>
            {session.progress.totalBytes > 0 && (
              <ProgressBar percent={session.progress.percent} label={`Progress of ${session.id}`} />
            )}
            <span className="small">{countWords(session.taskCounts)}</span>
          </div>
        ))}
        {more > 0 && (
          <Link href="/sessions">
            {more === 1 ? '1 more runs' : `${more} more run`}; the list of sessions has them
          </Link>
        )}
      </div>
    </Section>
  );
}

export function NextStarts({ next }: { readonly next: readonly ComingRun[] }) {
  const rest = next.slice(MOST_LINES);
  const kinds = KINDS.filter((kind) => rest.some(({ of }) => of === kind));
  return (
    <Section title="Next 24 hours">
      {next.length === 0 && <Nothing>No job starts by its schedule within a day.</Nothing>}
      <dl className="facts">
        {next.slice(0, MOST_LINES).map(({ of, jobId, jobName, at, timeZone }) => (
          <FactOf key={`${of} ${jobId} ${at}`} name={<Instant at={at} zone={timeZone} />}>
            <Link href={`${PAGES[of]}/${jobId}`}>{jobName}</Link>
          </FactOf>
        ))}
      </dl>
      {kinds.map((kind) => (
        <MoreStarts key={kind} kind={kind} count={rest.filter(({ of }) => of === kind).length} />
      ))}
    </Section>
  );
}

function MoreStarts({ kind, count }: { readonly kind: ComingRun['of']; readonly count: number }) {
  return (
    <div>
      <Link href={PAGES[kind]}>
        {count === 1 ? '1 more starts' : `${count} more start`} within a day; the list of{' '}
        {LISTS[kind]} says when
      </Link>
    </div>
  );
}

const KINDS = ['copyJob', 'fileBackupJob'] as const satisfies readonly ComingRun['of'][];

const LISTS: Readonly<Record<ComingRun['of'], string>> = {
  copyJob: 'jobs',
  fileBackupJob: 'file backups',
};

const PAGES: Readonly<Record<ComingRun['of'], string>> = {
  copyJob: '/jobs',
  fileBackupJob: '/file-backup-jobs',
};

function FactOf({
  name,
  children,
}: {
  readonly name: React.ReactNode;
  readonly children: React.ReactNode;
}) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

/** Below this share a copy may soon find no room. */
const LOW_SHARE = 0.1;

export function TargetFill({
  repositories,
}: {
  readonly repositories: readonly RepositoryState[];
}) {
  const targets = repositories.filter(({ role }) => role === 'target');
  return (
    <Section title="Room on the targets">
      {targets.length === 0 && (
        <Nothing>No target is configured, so nothing can be copied.</Nothing>
      )}
      <div className="stack">
        {targets.map((target) => (
          <Fill key={target.id} target={target} />
        ))}
      </div>
    </Section>
  );
}

function Fill({
  target: { id, totalBytes, freeBytes, awaySince, reachable, asOf },
}: {
  readonly target: RepositoryState;
}) {
  const isKnown = totalBytes !== null && freeBytes !== null && totalBytes > 0;
  const isLow = isKnown && freeBytes / totalBytes < LOW_SHARE;
  return (
    <div>
      <div className="line">
        <Link href="/repositories">{id}</Link>
        {!reachable && (
          <State
            said={{
              mood: asOf === null ? 'unknown' : 'bad',
              word: asOf === null ? 'not seen yet' : 'not reached',
            }}
          />
        )}
        {awaySince !== null && (
          <span className="small">
            since <Instant at={awaySince} as="date" />
          </span>
        )}
      </div>
      {isKnown && (
        <ProgressBar
          percent={(1 - freeBytes / totalBytes) * 100}
          label={`Used room of ${id}`}
          mood={isLow ? 'bad' : 'busy'}
        />
      )}
      <span className="small">
        {isKnown
          ? `${isLow ? (freeBytes === 0 ? 'Full: ' : 'Nearly full: ') : ''}${bytes(freeBytes)} of ${bytes(totalBytes)} ${reachable ? 'are free' : 'were free when it was last seen'}`
          : 'How much room there is is not known'}
      </span>
    </div>
  );
}
