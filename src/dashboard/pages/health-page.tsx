import { Link } from 'wouter';
import type { CopiesView, Overview, WorkloadView } from '../../api/safety/overview-schemas.js';
import { useNow } from '../client/now.js';
import { EVERY, useAllPages, useApi } from '../client/queries.js';
import { Commands } from '../show/commands.js';
import { CallFault } from '../show/fault.js';
import { bytes, counted, printable } from '../show/format.js';
import { Instant } from '../show/instant.js';
import { Nothing, Page, Section, Waiting } from '../show/page.js';
import { ProgressBar } from '../show/progress.js';
import { Rows, type Column } from '../show/rows.js';
import { State } from '../show/state.js';
import { VerdictPanel } from '../show/verdict.js';
import { sayCheck, checkShares, type CheckedCopies } from '../show/check-words.js';
import { workloadAddress } from '../show/workload-words.js';

/** Is what we keep still readable? */
export function HealthPage() {
  const overview = useApi<Overview>('/overview', { everyMs: EVERY.usual });
  const workloads = useAllPages<WorkloadView>('/workloads', { everyMs: EVERY.minute });
  const rows = (workloads.data?.items ?? []).flatMap((workload) =>
    workload.copies
      .filter(({ restorePointCount }) => restorePointCount > 0)
      .map((copies) => ({ workload, copies })),
  );
  return (
    <Page title="Health" asOfMs={workloads.dataUpdatedAt}>
      {overview.error !== null && (
        <CallFault error={overview.error} what="The state of the copies is not known." />
      )}
      {overview.data !== undefined && (
        <HealthVerdict
          counts={overview.data.counts}
          oldestVerifiedAt={overview.data.oldestVerifiedAt}
        />
      )}
      {workloads.error !== null && (
        <CallFault error={workloads.error} what="The workloads could not be read." />
      )}
      {workloads.data === undefined && workloads.error === null && (
        <Waiting what="Looking into every repository" />
      )}
      {workloads.data !== undefined && rows.length === 0 && (
        <Nothing>
          There are no copies yet. A copy is read back and compared when it is made.
        </Nothing>
      )}
      {rows.length > 0 && <Shares rows={rows.map(({ copies }) => copies)} />}
      {rows.length > 0 && (
        <Section title="Each chain of copies" note="longest without a check first">
          <Rows
            label="Chains"
            columns={COLUMNS}
            rows={[...rows].sort(byCheck)}
            keyOf={({ workload, copies }) =>
              `${workload.key} ${copies.jobId} ${copies.repositoryId}`
            }
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
  counts,
  oldestVerifiedAt,
}: Pick<Overview, 'counts' | 'oldestVerifiedAt'>) {
  const {
    restorePoints,
    damagedRestorePoints: damaged,
    neverVerifiedRestorePoints: never,
  } = counts;
  const mood = damaged > 0 ? 'bad' : never > 0 || restorePoints === 0 ? 'unknown' : 'good';
  const text =
    restorePoints === 0
      ? 'There is no copy whose health could be known.'
      : damaged > 0
        ? `${counted(damaged, 'restore point')} of ${restorePoints} cannot be trusted.`
        : never > 0
          ? `Nothing is known to be damaged, but ${counted(never, 'restore point')} of ${restorePoints} ${never === 1 ? 'was' : 'were'} not verified since the files last changed.`
          : `Nothing is damaged: all ${counted(restorePoints, 'restore point')} were read and compared.`;
  return (
    <VerdictPanel mood={mood} sentence={text}>
      {oldestVerifiedAt !== null && (
        <>
          The oldest check was <Instant at={oldestVerifiedAt} />.
        </>
      )}
    </VerdictPanel>
  );
}

/** Bytes by how long ago all of their chain was last verified. */
function Shares({ rows }: { readonly rows: readonly CopiesView[] }) {
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
    width: '1.5fr',
    cell: ({ workload }) => (
      <Link href={workloadAddress(workload)}>{printable(workload.name)}</Link>
    ),
  },
  { head: 'State', width: '1.4fr', cell: ({ copies }) => <State said={sayCheck(copies)} /> },
  { head: 'Where', width: '1fr', cell: ({ copies }) => copies.repositoryId },
  {
    head: 'Job',
    width: '1fr',
    cell: ({ copies }) => <Link href={`/jobs/${copies.jobId}`}>{copies.jobId}</Link>,
  },
  { head: 'Restore points', width: '1fr', cell: ({ copies }) => copies.restorePointCount },
  {
    head: 'Oldest check',
    width: '1.2fr',
    cell: ({ copies }) =>
      copies.oldestVerifiedAt === null ? 'never' : <Instant at={copies.oldestVerifiedAt} />,
  },
];

/** Damaged ones, then those never checked, then the oldest check. */
function byCheck(a: CheckedCopies, b: CheckedCopies): number {
  const rankOf = ({ copies }: CheckedCopies): number =>
    copies.damagedCount > 0 ? 0 : copies.neverVerifiedCount > 0 ? 1 : 2;
  return (
    rankOf(a) - rankOf(b) ||
    (a.copies.oldestVerifiedAt ?? '').localeCompare(b.copies.oldestVerifiedAt ?? '')
  );
}
