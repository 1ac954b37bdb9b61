import { Button } from '@mantine/core';
import { Link, useParams } from 'wouter';
import type { CopiesView, WorkloadView } from '../../api/safety/overview-schemas.js';
import { useAddressField } from '../client/address.js';
import { EVERY, useAllPages, withQuery } from '../client/queries.js';
import { Commands } from '../show/commands.js';
import { CallFault, Fault } from '../show/fault.js';
import { bytes, counted, printable, shellWord } from '../show/format.js';
import { Instant } from '../show/instant.js';
import { NightGrid, NightKey } from '../show/nights.js';
import { Nothing, Page, Section, Waiting } from '../show/page.js';
import { sentence } from '../show/sentence.js';
import { State } from '../show/state.js';
import { limitWords, WORKLOAD_STATES } from '../show/workload-words.js';
import { whyOf } from '../show/workload-why.js';
import { VerdictPanel } from '../show/verdict.js';
import { CopyOnce } from './copy-once.js';
import { PointsAt } from './points-at.js';
import { Detach, MapCopies } from './rehome.js';

/** From which moments can I have it back? */
export function WorkloadPage() {
  const { repositoryId } = useParams<{ repositoryId: string }>();
  const [id] = useAddressField('id');
  const found = useAllPages<WorkloadView>(withQuery('/workloads', { search: id }), {
    everyMs: EVERY.minute,
  });
  const workload = found.data?.items.find(
    (each) => each.id === id && each.repositoryId === repositoryId,
  );
  return (
    <Page
      title={workload === undefined ? id : printable(workload.name)}
      beside={workload !== undefined && <State said={WORKLOAD_STATES[workload.state]} />}
      asOfMs={found.dataUpdatedAt}
      actions={workload !== undefined && <RestoreButton workload={workload} />}
    >
      {found.error !== null && (
        <CallFault error={found.error} what="The workload could not be read." />
      )}
      {found.data === undefined && found.error === null && (
        <Waiting what="Looking into every repository" />
      )}
      {found.data !== undefined && workload === undefined && (
        <Nothing>No source shows this workload any more, and no job keeps copies of it.</Nothing>
      )}
      {workload !== undefined && <WorkloadBody workload={workload} />}
    </Page>
  );
}

function RestoreButton({
  workload: { id, copies, repositoryId },
}: {
  readonly workload: WorkloadView;
}) {
  const from =
    copies.find(({ restorePointCount }) => restorePointCount > 0)?.repositoryId ?? repositoryId;
  return (
    <Button
      component={Link}
      href={withQuery('/restore', { repository: from, workload: id })}
      size="sm"
    >
      Restore
    </Button>
  );
}

function WorkloadBody({ workload }: { readonly workload: WorkloadView }) {
  const { id, copies, leftovers, repositoryId, sourcePointCount, nights } = workload;
  return (
    <>
      <WorkloadVerdict workload={workload} />
      {nights.length > 0 && (
        <Section title="The last 14 days" note={<NightKey />}>
          <NightGrid workloads={[workload]} />
        </Section>
      )}
      {copies.map((each) => (
        <CopiesSection key={`${each.jobId} ${each.repositoryId}`} copies={each} workloadId={id} />
      ))}
      {leftovers.map(({ jobId, repositoryId: at, restorePointCount, storedBytes }) => (
        <Section
          key={`${jobId} ${at}`}
          title={`Copies of ${jobId} in ${at}`}
          note="no job makes them any more"
        >
          <p className="nothing">
            {counted(restorePointCount, 'restore point')}, {bytes(storedBytes)}. They stay until
            somebody deletes them, those of a one-time copy until its date; they can be restored.
          </p>
          <MapCopies
            fromJobId={jobId}
            workloadId={id}
            jobIds={copies.filter((each) => each.repositoryId === at).map((each) => each.jobId)}
          />
          <PointsAt repositoryId={at} workloadId={id} jobId={jobId} isLeft />
        </Section>
      ))}
      <Section
        title={`At the source, ${repositoryId}`}
        note={
          sourcePointCount === null
            ? 'no source shows it'
            : counted(sourcePointCount, 'restore point')
        }
      >
        {sourcePointCount === null ? (
          <Nothing>The source does not show it any more.</Nothing>
        ) : (
          <>
            <CopyOnce repositoryId={repositoryId} workloadId={id} />
            <PointsAt repositoryId={repositoryId} workloadId={id} jobId={null} />
          </>
        )}
      </Section>
      <Commands
        lines={copies.map(
          (each) => `longhaul restore-point list ${each.repositoryId} --workload ${shellWord(id)}`,
        )}
      />
    </>
  );
}

function WorkloadVerdict({ workload }: { readonly workload: WorkloadView }) {
  const { state, newestCopyAt, oldestCopyAt, restorePointCount, since } = workload;
  const why = whyOf(workload);
  const text =
    why === null ? `Its copies are as new as they are to be (${limitWords(workload)})` : why;
  return (
    <VerdictPanel
      mood={WORKLOAD_STATES[state].mood}
      sentence={sentence(`${text.charAt(0).toUpperCase()}${printable(text.slice(1))}`)}
    >
      {since !== null && (
        <>
          Since <Instant at={since} as="date" /> (<Instant at={since} />
          ).{' '}
        </>
      )}
      {newestCopyAt === null || oldestCopyAt === null ? (
        'There is nothing to restore it from but its source.'
      ) : (
        <>
          {counted(restorePointCount, 'copy', 'copies')}, from{' '}
          <Instant at={oldestCopyAt} as="date" /> to <Instant at={newestCopyAt} as="date" /> (
          <Instant at={newestCopyAt} />
          ).
        </>
      )}
    </VerdictPanel>
  );
}

function CopiesSection({
  copies,
  workloadId,
}: {
  readonly copies: CopiesView;
  readonly workloadId: string;
}) {
  const {
    jobId,
    jobName,
    repositoryId,
    damagedCount,
    neverVerifiedCount,
    storedBytes,
    restorePointCount,
    missedSince,
  } = copies;
  return (
    <Section
      title={`In ${repositoryId}`}
      note={
        <>
          by <Link href={`/jobs/${jobId}`}>{jobName}</Link>,{' '}
          {counted(restorePointCount, 'restore point')}, {bytes(storedBytes)}
        </>
      }
    >
      {damagedCount > 0 && (
        <Fault
          what={`${counted(damagedCount, 'restore point')} cannot be trusted: a health check found damage.`}
          hint="Verify the repository: what can be healed is healed, the rest is copied anew."
        />
      )}
      {neverVerifiedCount > 0 && (
        <Fault
          mood="unknown"
          what={`${counted(neverVerifiedCount, 'restore point')} ${neverVerifiedCount === 1 ? 'was' : 'were'} not verified since the files last changed.`}
          hint="Verify the repository, or give the job a healthCheck."
        />
      )}
      {missedSince !== null && (
        <Fault
          mood="attention"
          what="No source shows it."
          since={missedSince}
          hint="Look for it in the source; if it was removed on purpose, exclude it from the job."
        />
      )}
      {restorePointCount === 0 ? (
        <Nothing>Nothing is copied yet.</Nothing>
      ) : (
        <>
          <PointsAt repositoryId={repositoryId} workloadId={workloadId} jobId={jobId} />
          <Detach jobId={jobId} workloadId={workloadId} />
        </>
      )}
    </Section>
  );
}
