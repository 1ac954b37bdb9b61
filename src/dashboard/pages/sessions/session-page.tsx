import { useEffect, useRef, useState } from 'react';
import { Link, useParams } from 'wouter';
import type { SessionView } from '../../../api/sessions/session-schemas.js';
import { useNow } from '../../client/now.js';
import { useSession } from '../../client/session-stream.js';
import { CallFault, Fault, StorageFault } from '../../show/fault.js';
import { printable } from '../../../domain/printable.js';
import { bytes } from '../../show/format.js';
import { BOTTLENECK_WORDS } from '../../../domain/sessions/bottleneck.js';
import { Instant } from '../../show/instant.js';
import { Page, Section, Waiting } from '../../show/page.js';
import { ProgressBar } from '../../show/progress.js';
import { countWords, sessionVerdict, staleVerdict } from '../../show/session-verdict.js';
import { VerdictPanel } from '../../show/verdict.js';
import { State } from '../../show/state.js';
import { saySession, sayTrigger } from '../../show/words.js';
import { Commands } from '../../show/commands.js';
import { SessionActions } from './session-actions.js';
import { TaskList } from './session-tasks.js';
import { Throughput } from './throughput.js';
import { TemporalLink } from './temporal-link.js';

export function SessionPage() {
  const { id } = useParams<{ id: string }>();
  const { session, seenAtMs, error } = useSession(id);
  return (
    <Page
      title={id}
      beside={session !== null && <State said={saySession(session)} />}
      asOfMs={seenAtMs}
      actions={
        session !== null && session.state !== 'ended' && <SessionActions session={session} />
      }
    >
      {error !== null && (
        <CallFault
          error={error}
          what={
            session === null
              ? `The session ${id} could not be read.`
              : 'How it goes on is not known: what stands here is what was known last.'
          }
        />
      )}
      {session === null && error === null && <Waiting what="Asking for the session" />}
      {session !== null && (
        <SessionBody session={session} seenAtMs={error === null ? null : seenAtMs} />
      )}
    </Page>
  );
}

interface SessionBodyProps {
  readonly session: SessionView;
  /** When it was last read, if it cannot be read any more; null: it can. */
  readonly seenAtMs: number | null;
}

function SessionBody({ session, seenAtMs }: SessionBodyProps) {
  const nowMs = useNow();
  const stillMs = useStillMs(session);
  const { mood, sentence } =
    seenAtMs === null
      ? sessionVerdict(session, nowMs, stillMs)
      : staleVerdict(session, nowMs, seenAtMs);
  return (
    <>
      <VerdictPanel mood={mood} sentence={printable(sentence)}>
        {session.state === 'ended' ? undefined : countWords(session.taskCounts)}
      </VerdictPanel>
      <SessionFaults session={session} />
      <div className="columns">
        <Section title="How far">
          <HowFar session={session} isKnown={seenAtMs === null} />
        </Section>
        <Section title="What it is">
          <WhatItIs session={session} />
        </Section>
      </div>
      <TaskList session={session} />
      <Commands
        lines={[
          `longhaul session ${session.state === 'ended' ? 'show' : 'follow'} ${session.id}`,
          `longhaul session tasks ${session.id}`,
        ]}
      />
    </>
  );
}

/** For how long the progress has not changed under this page; null: it has just been opened. */
function useStillMs({ progress: { processedBytes } }: SessionView): number | null {
  const nowMs = useNow();
  const [movedAtMs, setMovedAtMs] = useState<number | null>(null);
  const last = useRef<number | null>(null);
  useEffect(() => {
    if (last.current !== processedBytes) setMovedAtMs(Date.now());
    last.current = processedBytes;
  }, [processedBytes]);
  return movedAtMs === null ? null : nowMs - movedAtMs;
}

function SessionFaults({ session }: { readonly session: SessionView }) {
  const { retry, waits, reason, nextTryAt, state, result } = session;
  return (
    <>
      {waits !== null && <StorageFault waits={waits} who="The session itself" />}
      {retry !== null && (
        <Fault
          mood="attention"
          what={`The session itself tries a step again (try ${retry.attempt}).`}
          reason={retry.reason}
          code={retry.code}
        >
          {retry.nextTryAt !== null && (
            <span>
              Next try <Instant at={retry.nextTryAt} />.
            </span>
          )}
        </Fault>
      )}
      {state === 'ended' && reason !== null && result !== 'success' && (
        <Fault
          mood={saySession(session).mood}
          what={`It ended as ${saySession(session).word}`}
          since={session.endedAt}
          reason={reason}
          hint="The workloads below tell what each of them needs."
        />
      )}
      {nextTryAt !== null && (
        <Fault mood="attention" what="What failed is tried again by itself." hint={null}>
          <span>
            Next try <Instant at={nextTryAt} as="date" /> (<Instant at={nextTryAt} />
            ).
          </span>
        </Fault>
      )}
    </>
  );
}

function HowFar({
  session,
  isKnown,
}: {
  readonly session: SessionView;
  readonly isKnown: boolean;
}) {
  const { percent, processedBytes, totalBytes, readBytes, transferredBytes, reusedBytes } =
    session.progress;
  const running = isKnown ? 'busy' : 'unknown';
  const mood = session.state === 'ended' ? saySession(session).mood : running;
  return (
    <div className="stack">
      {totalBytes > 0 && (
        <ProgressBar percent={percent} label="Progress of the session" mood={mood} />
      )}
      <dl className="facts">
        <dt>Dealt with</dt>
        <dd>
          {totalBytes === 0
            ? 'nothing'
            : `${bytes(processedBytes)} of ${bytes(totalBytes)} (${percent.toFixed(1)} %)`}
        </dd>
        <dt>Read from the source</dt>
        <dd>{bytes(readBytes)}</dd>
        <dt>New in the target</dt>
        <dd>
          {bytes(transferredBytes)}
          {reusedBytes > 0 && `, ${bytes(reusedBytes)} were there already`}
        </dd>
        {session.bottleneck !== null && (
          <>
            <dt>{session.state === 'ended' ? 'Most of its time' : 'Held up by'}</dt>
            <dd>{BOTTLENECK_WORDS[session.bottleneck]}</dd>
          </>
        )}
      </dl>
      {session.state !== 'ended' && isKnown && <Throughput session={session} />}
    </div>
  );
}

function WhatItIs({ session }: { readonly session: SessionView }) {
  const { jobId, targetRepositoryId, startedAt, endedAt } = session;
  return (
    <dl className="facts">
      <dt>Job</dt>
      <dd>
        <Link href={`/jobs/${jobId}`}>{jobId}</Link>
      </dd>
      <dt>To</dt>
      <dd>{targetRepositoryId ?? 'not known: no worker answers'}</dd>
      <dt>Why it ran</dt>
      <dd>{sayTrigger(session)}</dd>
      <dt>Began</dt>
      <dd>
        <Instant at={startedAt} as="date" /> (<Instant at={startedAt} />)
      </dd>
      {endedAt !== null && (
        <>
          <dt>Ended</dt>
          <dd>
            <Instant at={endedAt} as="date" /> (<Instant at={endedAt} />)
          </dd>
        </>
      )}
      <TemporalLink sessionId={session.id} />
    </dl>
  );
}
