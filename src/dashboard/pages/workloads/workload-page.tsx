import { Button } from '@mantine/core';
import { Link, useParams } from 'wouter';
import type {
  CopiesView,
  KeptView,
  LeftoverView,
  WorkloadView,
} from '../../../api/safety/overview-schemas.js';
import { useAddressField } from '../../client/address.js';
import {
  asOfMs,
  EVERY,
  useAllPages,
  withQuery,
  type UnreadablePart,
} from '../../client/queries.js';
import { Commands } from '../../show/commands.js';
import { CallFault, Fault } from '../../show/fault.js';
import { printable } from '../../../domain/printable.js';
import { bytes, counted } from '../../show/format.js';
import { Instant } from '../../show/instant.js';
import { jobsBeside, listCommands, nothingKeptWords, restoreFrom } from '../../show/kept.js';
import { NightGrid, NightKey } from '../../show/nights.js';
import { Nothing, Page, Section, Waiting } from '../../show/page.js';
import { sentence } from '../../show/sentence.js';
import { State } from '../../show/state.js';
import { UNSEEN_WORDS, UnreadableParts } from '../../show/unreadable.js';
import { limitWords, NOT_SHOWN, WORKLOAD_STATES } from '../../show/workload-words.js';
import { whyOf } from './workload-why.js';
import { VerdictPanel } from '../../show/verdict.js';
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
      title={workload === undefined ? printable(id || repositoryId) : printable(workload.name)}
      beside={
        workload !== undefined &&
        found.error === null && <State said={WORKLOAD_STATES[workload.state]} />
      }
      asOfMs={asOfMs(found.data)}
      actions={workload !== undefined && <RestoreButton workload={workload} />}
    >
      {found.error !== null && (
        <CallFault error={found.error} what="The workload could not be read." />
      )}
      {found.data === undefined && found.error === null && (
        <Waiting what="Looking into every repository" />
      )}
      {found.data !== undefined && workload === undefined && (
        <Nothing>
          {found.data.unreadable.length > 0
            ? 'It was not seen, and not everything could be looked at.'
            : 'No source shows this workload any more, and there are no copies of it.'}
        </Nothing>
      )}
      {workload === undefined ? (
        <UnreadableParts parts={found.data?.unreadable} what={UNSEEN_WORDS} />
      ) : (
        <WorkloadBody
          workload={workload}
          unseen={found.data?.unreadable ?? []}
          isKnown={found.error === null}
        />
      )}
    </Page>
  );
}

function RestoreButton({ workload }: { readonly workload: WorkloadView }) {
  const from = restoreFrom(workload);
  if (from === null) return null;
  return (
    <Button
      component={Link}
      href={withQuery('/restore', {
        repository: from.repositoryId,
        workload: from.workloadId,
      })}
      size="sm"
    >
      Restore
    </Button>
  );
}

interface WorkloadVerdictProps {
  readonly workload: WorkloadView;
  /** false: the last answer is shown, and the next one failed. */
  readonly isKnown: boolean;
}

interface WorkloadBodyProps extends WorkloadVerdictProps {
  readonly unseen: readonly UnreadablePart[];
}

function WorkloadBody({ workload, unseen, isKnown }: WorkloadBodyProps) {
  const { id, copies, leftovers, repositoryId, sourcePointCount, sourceState, nights } = workload;
  return (
    <>
      <WorkloadVerdict workload={workload} isKnown={isKnown} />
      <UnreadableParts parts={unseen} what={UNSEEN_WORDS} />
      {nights.length > 0 && (
        <Section title="The last 14 days" note={<NightKey />}>
          <NightGrid workloads={[workload]} />
        </Section>
      )}
      {copies.map((each) => (
        <CopiesSection key={`${each.jobId} ${each.repositoryId}`} copies={each} />
      ))}
      {leftovers.map((each) => (
        <LeftoverSection
          key={`${each.jobId} ${each.repositoryId} ${each.workloadId}`}
          leftover={each}
          workload={workload}
        />
      ))}
      <Section
        title={`At the source, ${repositoryId}`}
        note={
          sourcePointCount === null
            ? NOT_SHOWN[sourceState].note
            : counted(sourcePointCount, 'restore point')
        }
      >
        {sourcePointCount === null ? (
          <Nothing>{NOT_SHOWN[sourceState].text}</Nothing>
        ) : (
          <>
            <CopyOnce repositoryId={repositoryId} workloadId={id} />
            <PointsAt repositoryId={repositoryId} workloadId={id} jobId={null} />
          </>
        )}
      </Section>
      <Commands lines={listCommands(workload)} />
    </>
  );
}

function LeftoverSection({
  leftover,
  workload,
}: {
  readonly leftover: LeftoverView;
  readonly workload: WorkloadView;
}) {
  const { jobId, repositoryId: at, workloadId, restorePointCount, storedBytes } = leftover;
  return (
    <Section title={`Copies of ${jobId} in ${at}`} note="no job makes them any more">
      <p className="nothing">
        {counted(restorePointCount, 'restore point')}, {bytes(storedBytes)}. They stay until
        somebody deletes them, those of a one-time copy until its date; they can be restored.
      </p>
      <KeptFaults
        kept={leftover}
        damageHint="No session copies them anew. Restore what is good still, elsewhere; verify the repository, which heals what it can; remove the points that stay damaged."
        checkHint="Verify the repository: no job checks them."
      />
      <MapCopies
        fromJobId={jobId}
        workloadId={workloadId}
        jobIds={jobsBeside(leftover, workload)}
      />
      <PointsAt repositoryId={at} workloadId={workloadId} jobId={jobId} isLeft />
    </Section>
  );
}

/** What a health check has found, or has not looked at. */
function KeptFaults({
  kept: { damagedCount, neverVerifiedCount },
  damageHint,
  checkHint,
}: {
  readonly kept: KeptView;
  readonly damageHint: string;
  readonly checkHint: string;
}) {
  return (
    <>
      {damagedCount > 0 && (
        <Fault
          what={`${counted(damagedCount, 'restore point')} cannot be trusted: a health check found damage.`}
          hint={damageHint}
        />
      )}
      {neverVerifiedCount > 0 && (
        <Fault
          mood="unknown"
          what={`${counted(neverVerifiedCount, 'restore point')} ${neverVerifiedCount === 1 ? 'was' : 'were'} not verified since the files last changed.`}
          hint={checkHint}
        />
      )}
    </>
  );
}

function WorkloadVerdict({ workload, isKnown }: WorkloadVerdictProps) {
  const { state, newestCopyAt, oldestCopyAt, restorePointCount, since } = workload;
  const why = whyOf(workload);
  const text =
    why === null ? `Its copies are as new as they are to be (${limitWords(workload)})` : why;
  return (
    <VerdictPanel
      mood={isKnown ? WORKLOAD_STATES[state].mood : 'unknown'}
      sentence={`${isKnown ? '' : 'Not known now. When it was last asked: '}${sentence(`${text.charAt(0).toUpperCase()}${printable(text.slice(1))}`)}`}
    >
      {since !== null && (
        <>
          Since <Instant at={since} as="date" /> (<Instant at={since} />
          ).{' '}
        </>
      )}
      {newestCopyAt === null || oldestCopyAt === null ? (
        nothingKeptWords(workload)
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

function CopiesSection({ copies }: { readonly copies: CopiesView }) {
  const { jobId, jobName, repositoryId, workloadId } = copies;
  const { storedBytes, restorePointCount, missedSince } = copies;
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
      <KeptFaults
        kept={copies}
        damageHint="Verify the repository: what can be healed is healed, the rest is copied anew."
        checkHint="Verify the repository, or give the job a healthCheck."
      />
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
