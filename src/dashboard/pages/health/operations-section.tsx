import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { Link } from 'wouter';
import type { OperationView } from '../../../api/repositories/repository-schemas.js';
import { readApi, type ApiError } from '../../client/call-api.js';
import { EVERY, useApi, withQuery, type ApiPage } from '../../client/queries.js';
import { Commands, curlLine } from '../../show/commands.js';
import { endedOperations, type EndedOperations } from './ended-operations.js';
import { CallFault, Fault } from '../../show/fault.js';
import { Instant } from '../../show/instant.js';
import {
  openOperations,
  operationAddress,
  operationTitle,
  sayOperation,
  whyOperation,
} from './operation-words.js';
import { Nothing, Section, Waiting } from '../../show/page.js';
import { Rows, type Column } from '../../show/rows.js';
import { sentence } from '../../show/sentence.js';
import { State } from '../../show/state.js';

/** More are looked up by their id. */
const SHOWN = 15;

/** Checks, restores and changes of copies, also those that a schedule started and nobody followed. */
export function OperationsSection() {
  const operations = useApi<ApiPage<OperationView>>('/operations', { everyMs: EVERY.usual });
  const items = operations.data?.items ?? [];
  const ended = useEndedOperations();
  return (
    <Section title="Checks, restores and changes of copies" note="running ones, then the last">
      {operations.error !== null && (
        <CallFault error={operations.error} what="What was checked last could not be read." />
      )}
      {operations.data === undefined && operations.error === null && (
        <Waiting what="Asking for what was checked" />
      )}
      {ended.error !== null && (
        <CallFault error={ended.error} what="What failed further back could not be read." />
      )}
      {openOperations(ended.data?.items ?? items).map((operation) => (
        <OpenOperation key={operation.runId} operation={operation} />
      ))}
      {ended.data?.isCut === true && (
        <p className="nothing">
          Of those that have ended the last {ended.data.items.length} were looked at; what failed
          before them is not told here.
        </p>
      )}
      {operations.data !== undefined && items.length === 0 && (
        <Nothing>Temporal knows of none: what ended over 30 days ago is forgotten.</Nothing>
      )}
      {items.length > 0 && (
        <Rows
          label="Checks, restores and changes"
          columns={COLUMNS}
          rows={items.slice(0, SHOWN)}
          keyOf={({ runId }) => runId}
        />
      )}
      <Commands lines={[curlLine('GET', '/operations')]} />
    </Section>
  );
}

function useEndedOperations(): UseQueryResult<EndedOperations, ApiError> {
  const path = withQuery('/operations', { state: 'ended' });
  return useQuery<EndedOperations, ApiError>({
    queryKey: [path, 'open'],
    queryFn: ({ signal }) =>
      endedOperations((cursor) => readApi(withQuery(path, { cursor }), signal)),
    refetchInterval: EVERY.minute,
  });
}

function OpenOperation({ operation }: { readonly operation: OperationView }) {
  const { code, endedAt } = operation;
  const { mood, word } = sayOperation(operation);
  const why = whyOperation(operation);
  return (
    <Fault
      mood={mood}
      what={`${operationTitle(operation)}: ${word}`}
      since={endedAt}
      reason={why === null ? null : sentence(why)}
      code={code}
      hint={code === null ? 'Read what it found, mend that, and do it again.' : null}
    >
      <Link href={operationAddress(operation)}>What it found and did</Link>
    </Fault>
  );
}

const COLUMNS: readonly Column<OperationView>[] = [
  {
    head: 'What',
    width: '2.2fr',
    cell: (operation) => (
      <Link href={operationAddress(operation)}>{operationTitle(operation)}</Link>
    ),
  },
  {
    head: 'State',
    width: '1.2fr',
    cell: (operation) => <State said={sayOperation(operation)} />,
  },
  {
    head: 'Began',
    width: '1fr',
    cell: ({ startedAt }) => <Instant at={startedAt} as="date" />,
  },
  {
    head: 'Ended',
    width: '1fr',
    cell: ({ endedAt }) => (endedAt === null ? '–' : <Instant at={endedAt} />),
  },
];
