import { useEffect } from 'react';
import { Link } from 'wouter';
import type { OperationView } from '../../../api/repositories/repository-schemas.js';
import { useAddress } from '../../client/address.js';
import { useNow } from '../../client/now.js';
import { EVERY, useApi, withQuery } from '../../client/queries.js';
import { CallFault, Fault, StorageFault } from '../../show/fault.js';
import { printable } from '../../../domain/printable.js';
import { bytes, counted, duration, shellWord } from '../../show/format.js';
import { Instant } from '../../show/instant.js';
import { OPERATION_KINDS, operationTitle } from './operation-words.js';
import { Page, Section, Waiting } from '../../show/page.js';
import { ProgressBar } from '../../show/progress.js';
import { sentence } from '../../show/sentence.js';
import { StopButton } from '../../show/stop-button.js';
import { VerdictPanel } from '../../show/verdict.js';
import { sayResult, type Mood } from '../../show/words.js';

/** A verification, a restore or a change of copies, running or ended. */
export function OperationPage() {
  const [fields, change] = useAddress();
  const id = fields.get('id') ?? '';
  const run = fields.get('run');
  const operation = useApi<OperationView>(
    withQuery(`/operations/${encodeURIComponent(id)}`, { run }),
    { everyMs: EVERY.second, freshMs: 500 },
  );
  const { data, error } = operation;
  // The next one of the same id is another operation: the address of this page is that of the one on it.
  const runId = data?.runId;
  useEffect(() => {
    if (run === null && runId !== undefined) change({ run: runId });
  });
  return (
    <Page
      title={data === undefined ? 'Operation' : operationTitle(data)}
      asOfMs={operation.dataUpdatedAt}
    >
      {error !== null && <CallFault error={error} what="The operation could not be read." />}
      {data === undefined && error === null && <Waiting what="Asking for it" />}
      {data !== undefined && <OperationBody operation={data} />}
    </Page>
  );
}

function OperationBody({ operation }: { readonly operation: OperationView }) {
  const {
    id,
    code,
    reason,
    notes,
    omittedNotes,
    processedBytes,
    totalBytes,
    startedAt,
    endedAt,
    repositoryId,
    waits,
  } = operation;
  const { mood, text } = verdictOf(operation, useNow());
  const percent =
    totalBytes === 0 ? (endedAt === null ? 0 : 100) : (processedBytes / totalBytes) * 100;
  return (
    <>
      <VerdictPanel mood={mood} sentence={text} />
      {endedAt === null && <Stop operation={operation} />}
      {waits !== undefined && <StorageFault waits={waits} />}
      {code !== null && (
        <Fault
          what="It could not be done as it was asked."
          reason={reason}
          code={code}
          since={endedAt}
        />
      )}
      <Section title="How far">
        <div className="stack">
          <ProgressBar percent={percent} label="Progress" mood={mood} />
          <dl className="facts">
            <dt>Dealt with</dt>
            <dd>
              {bytes(processedBytes)} of{' '}
              {totalBytes === 0 ? 'a size not known yet' : bytes(totalBytes)}
            </dd>
            <dt>Began</dt>
            <dd>
              <Instant at={startedAt} as="date" /> (<Instant at={startedAt} />)
            </dd>
            <dt>Repository</dt>
            <dd>
              <Link href="/repositories">{repositoryId}</Link>
            </dd>
            <dt>Its id</dt>
            <dd>
              <code>{id}</code>
            </dd>
          </dl>
        </div>
      </Section>
      {notes.length > 0 && (
        <Section title="What was found and done">
          <ul className="plain-list">
            {notes.map((note, index) => (
              <li key={index}>{sentence(printable(note))}</li>
            ))}
          </ul>
          {omittedNotes > 0 && (
            <p className="small">{counted(omittedNotes, 'more note')} are left out.</p>
          )}
        </Section>
      )}
    </>
  );
}

const STOPS = {
  verify: {
    title: 'Stop the verification',
    text: 'Nothing is deleted. What it has found and not healed is told, and ordered again within seven days it goes on from there.',
    done: 'The verification is stopping.',
  },
  restore: {
    title: 'Stop the restore',
    text: 'The copy stays as it is. What was written stays in the folder, under no name of a disk; ordered again into that folder it goes on from there.',
    done: 'The restore is stopping.',
  },
} as const;

/** Changes of copies that were begun are carried to their end. */
function Stop({ operation: { id, runId, kind } }: { readonly operation: OperationView }) {
  if (kind !== 'verify' && kind !== 'restore') return null;
  return (
    <div className="line">
      <StopButton
        verb="Stop"
        {...STOPS[kind]}
        path={withQuery(`/operations/${encodeURIComponent(id)}/stop`, { run: runId })}
        command={`longhaul operation stop ${shellWord(id)} --run ${runId}`}
      />
    </div>
  );
}

function verdictOf(operation: OperationView, nowMs: number): { mood: Mood; text: string } {
  const { kind, state, result, startedAt, endedAt, live, processedBytes, totalBytes } = operation;
  const tookMs = (endedAt === null ? nowMs : Date.parse(endedAt)) - Date.parse(startedAt);
  if (state === 'ended') {
    const { mood, word } = sayResult(result);
    return { mood, text: `${OPERATION_KINDS[kind]}: ${word}, after ${duration(tookMs)}.` };
  }
  if (!live)
    return {
      mood: 'unknown',
      text: 'No worker answers, so how far it is is not known. It goes on by itself when one is back.',
    };
  const isMeasured = processedBytes > 0 && totalBytes > processedBytes && tookMs > 2_000;
  const left = isMeasured
    ? `; at this speed done in about ${duration((tookMs / processedBytes) * (totalBytes - processedBytes))}`
    : '';
  return { mood: 'busy', text: `It runs for ${duration(tookMs)}${left}.` };
}
