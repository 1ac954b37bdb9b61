import { Link } from 'wouter';
import type { KeptView, Overview, WorkloadView } from '../../../api/safety/overview-schemas.js';
import { useNow } from '../../client/now.js';
import { asOfMs, EVERY, useAllPages, useApi } from '../../client/queries.js';
import { Commands } from '../../show/commands.js';
import { CallFault } from '../../show/fault.js';
import { bytes } from '../../show/format.js';
import { Instant } from '../../show/instant.js';
import { healthVerdict } from './health-verdict.js';
import { keptPlaces } from '../../show/kept.js';
import { Name } from '../../show/name.js';
import { Nothing, Page, Section, Waiting } from '../../show/page.js';
import { ProgressBar } from '../../show/progress.js';
import { Rows, type Column } from '../../show/rows.js';
import { State } from '../../show/state.js';
import { VerdictPanel } from '../../show/verdict.js';
import { sayCheck, checkShares, type CheckedCopies } from './check-words.js';
import { UnreadableParts } from '../../show/unreadable.js';
import { OperationsSection } from './operations-section.js';
import { workloadAddress } from '../../show/workload-words.js';

/** Is what we keep still readable? */
export function HealthPage() {
  const overview = useApi<Overview>('/overview', { everyMs: EVERY.usual });
  const workloads = useAllPages<WorkloadView>('/workloads', { everyMs: EVERY.minute });
  const rows = (workloads.data?.items ?? []).flatMap((workload) =>
    keptPlaces(workload).map((kept) => ({ workload, kept })),
  );
  return (
    <Page title="Health" asOfMs={asOfMs(workloads.data)}>
      {overview.error !== null && (
        <CallFault error={overview.error} what="The state of the copies is not known." />
      )}
      {overview.data !== undefined && (
        <HealthVerdict overview={overview.data} isKnown={overview.error === null} />
      )}
      {workloads.error !== null && (
        <CallFault error={workloads.error} what="The workloads could not be read." />
      )}
      {workloads.data === undefined && workloads.error === null && (
        <Waiting what="Looking into every repository" />
      )}
      <UnreadableParts
        parts={workloads.data?.unreadable}
        what=": copies there may be damaged, and nobody knows"
      />
      {workloads.data !== undefined && rows.length === 0 && (
        <Nothing>
          {workloads.data.unreadable.length === 0
            ? 'There are no copies yet. A copy is read back and compared when it is made.'
            : 'No copy was seen, and not everything could be looked at.'}
        </Nothing>
      )}
      {rows.length > 0 && <Shares rows={rows.map(({ kept }) => kept)} />}
      <OperationsSection />
      {rows.length > 0 && (
        <Section title="Each chain of copies" note="longest without a check first">
          <Rows
            label="Chains"
            columns={COLUMNS}
            rows={[...rows].sort(byCheck)}
            keyOf={({ workload, kept }) => `${workload.key} ${kept.jobId} ${kept.repositoryId}`}
          />
        </Section>
      )}
      <p className="nothing">
        <Link href="/repositories">Repositories</Link> has the button that verifies all copies of
        one; a job with <code>healthCheck</code> does it by itself.
      </p>
      <Commands lines={['longhaul restore-point verify <repository>']} />
    </Page>
  );
}

function HealthVerdict({
  overview,
  isKnown,
}: {
  readonly overview: Overview;
  /** false: the last answer is shown, and the next one failed. */
  readonly isKnown: boolean;
}) {
  const { mood, sentence } = healthVerdict(overview);
  const { oldestVerifiedAt } = overview;
  return (
    <VerdictPanel
      mood={isKnown ? mood : 'unknown'}
      sentence={isKnown ? sentence : `Not known now. When it was last asked: ${sentence}`}
    >
      {oldestVerifiedAt !== null && (
        <>
          The oldest check was <Instant at={oldestVerifiedAt} />.
        </>
      )}
    </VerdictPanel>
  );
}

/** Bytes by how long ago all of their chain was last verified. */
function Shares({ rows }: { readonly rows: readonly KeptView[] }) {
  const nowMs = useNow();
  const shares = checkShares(rows, nowMs);
  return (
    <Section
      title="When was it last read and compared?"
      note="bytes on the targets, by the oldest check of their chain"
    >
      <div className="stack">
        {shares.map(({ name, storedBytes, percent, mood }) => (
          <div key={name}>
            <div className="line">
              <span>{name}</span>
              <span className="small">
                {bytes(storedBytes)}, {percent.toFixed(0)} %
              </span>
            </div>
            <ProgressBar percent={percent} label={name} mood={mood} />
          </div>
        ))}
      </div>
    </Section>
  );
}

const COLUMNS: readonly Column<CheckedCopies>[] = [
  {
    head: 'Workload',
    width: '2fr',
    cell: ({ workload }) => (
      <Link href={workloadAddress(workload)}>
        <Name>{workload.name}</Name>
      </Link>
    ),
  },
  { head: 'State', width: '1.4fr', cell: ({ kept }) => <State said={sayCheck(kept)} /> },
  { head: 'Where', width: '1fr', cell: ({ kept }) => kept.repositoryId },
  {
    head: 'Job',
    width: '1fr',
    cell: ({ kept: { jobId, isLeft } }) =>
      isLeft ? `none (was ${jobId})` : <Link href={`/jobs/${jobId}`}>{jobId}</Link>,
  },
  { head: 'Restore points', width: '1fr', cell: ({ kept }) => kept.restorePointCount },
  {
    head: 'Oldest check',
    width: '1.2fr',
    cell: ({ kept }) =>
      kept.oldestVerifiedAt === null ? 'never' : <Instant at={kept.oldestVerifiedAt} />,
  },
];

/** Damaged ones, then those never checked, then the oldest check. */
function byCheck(a: CheckedCopies, b: CheckedCopies): number {
  const rankOf = ({ kept }: CheckedCopies): number =>
    kept.damagedCount > 0 ? 0 : kept.neverVerifiedCount > 0 ? 1 : 2;
  return (
    rankOf(a) - rankOf(b) ||
    (a.kept.oldestVerifiedAt ?? '').localeCompare(b.kept.oldestVerifiedAt ?? '')
  );
}
