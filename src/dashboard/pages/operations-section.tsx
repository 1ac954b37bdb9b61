import { Link } from 'wouter';
import type { OperationView } from '../../api/repositories/repository-schemas.js';
import { EVERY, useApi, withQuery, type ApiPage } from '../client/queries.js';
import { Commands, curlLine } from '../show/commands.js';
import { CallFault, Fault } from '../show/fault.js';
import { Instant } from '../show/instant.js';
import {
  openOperations,
  operationTitle,
  sayOperation,
  whyOperation,
} from '../show/operation-words.js';
import { Nothing, Section, Waiting } from '../show/page.js';
import { Rows, type Column } from '../show/rows.js';
import { sentence } from '../show/sentence.js';
import { State } from '../show/state.js';

/** More are looked up by their id. */
const SHOWN = 15;

/** Checks, restores and changes of copies, also those that a schedule started and nobody followed. */
export function OperationsSection() {
  const operations = useApi<ApiPage<OperationView>>('/operations', { everyMs: EVERY.usual });
  const items = operations.data?.items ?? [];
  return (
    <Section title="Checks, restores and changes of copies" note="running ones, then the last">
      {operations.error !== null && (
        <CallFault error={operations.error} what="What was checked last could not be read." />
      )}
      {operations.data === undefined && operations.error === null && (
        <Waiting what="Asking for what was checked" />
      )}
      {openOperations(items).map((operation) => (
        <OpenOperation key={keyOf(operation)} operation={operation} />
      ))}
      {operations.data !== undefined && items.length === 0 && (
        <Nothing>Temporal knows of none: what ended over 30 days ago is forgotten.</Nothing>
      )}
      {items.length > 0 && (
        <Rows
          label="Checks, restores and changes"
          columns={COLUMNS}
          rows={items.slice(0, SHOWN)}
          keyOf={keyOf}
        />
      )}
      <Commands lines={[curlLine('GET', '/operations')]} />
    </Section>
  );
}

/** Of one repository the same check may have run several times under one id. */
function keyOf({ id, startedAt, endedAt }: OperationView): string {
  return `${id} ${startedAt} ${endedAt ?? ''}`;
}

function operationAddress({ id }: OperationView): string {
  return withQuery('/operations', { id });
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
