import { NativeSelect, TextInput } from '@mantine/core';
import { useMemo } from 'react';
import { Link } from 'wouter';
import type { WorkloadView } from '../../../api/safety/overview-schemas.js';
import { useAddress } from '../../client/address.js';
import { asOfMs, EVERY, useAllPages, type WholeList } from '../../client/queries.js';
import { Commands } from '../../show/commands.js';
import { CallFault } from '../../show/fault.js';
import { printable } from '../../../domain/printable.js';
import { worstFirst } from '../../../domain/safety/worst-first.js';
import { bytes, counted } from '../../show/format.js';
import { Instant } from '../../show/instant.js';
import { countWithLeftovers } from '../../show/kept.js';
import { Name } from '../../show/name.js';
import { Nothing, Page, Section, Waiting } from '../../show/page.js';
import { Rows, type Column } from '../../show/rows.js';
import { sentence } from '../../show/sentence.js';
import { State } from '../../show/state.js';
import { UNSEEN_WORDS, UnreadableParts } from '../../show/unreadable.js';
import { limitWords, workloadAddress, WORKLOAD_STATES } from '../../show/workload-words.js';
import { whyOf } from './workload-why.js';

/** Which machine has no good, recent copy? The filters stand in the address. */
export function WorkloadsPage() {
  const workloads = useAllPages<WorkloadView>('/workloads', { everyMs: EVERY.minute });
  const [fields, change] = useAddress();
  const find = fields.get('find') ?? '';
  const state = fields.get('state') ?? '';
  const shown = useMemo(
    () => worstFirst((workloads.data?.items ?? []).filter((each) => fits(each, find, state))),
    [workloads.data, find, state],
  );
  return (
    <Page title="Workloads" asOfMs={asOfMs(workloads.data)}>
      <Section
        title="Which machine has no good, recent copy?"
        note={workloads.data === undefined ? undefined : counted(shown.length, 'workload')}
      >
        <div className="line filters">
          <TextInput
            label="Find"
            placeholder="part of a name or id"
            value={find}
            onChange={({ currentTarget }) => change({ find: currentTarget.value })}
            size="sm"
          />
          <NativeSelect
            label="State"
            value={state}
            onChange={({ currentTarget }) => change({ state: currentTarget.value })}
            data={STATE_CHOICES}
            size="sm"
          />
        </div>
        {workloads.error !== null && (
          <CallFault error={workloads.error} what="The workloads could not be read." />
        )}
        {workloads.data === undefined && workloads.error === null && (
          <Waiting what="Looking into every repository" />
        )}
        <UnreadableParts parts={workloads.data?.unreadable} what={UNSEEN_WORDS} />
        {workloads.data !== undefined && shown.length === 0 && (
          <Nothing>{emptyWords(workloads.data)}</Nothing>
        )}
        {shown.length > 0 && (
          <Rows
            label="Workloads"
            columns={COLUMNS}
            rows={shown}
            keyOf={({ key }) => key}
            below={belowWorkload}
          />
        )}
      </Section>
      <Commands lines={['longhaul workload list']} />
    </Page>
  );
}

/** Only what was looked at whole can be said to be empty. */
function emptyWords({ items, unreadable }: WholeList<WorkloadView>): string {
  if (items.length > 0)
    return `No workload fits the filter; ${counted(items.length, 'workload')} ${items.length === 1 ? 'is' : 'are'} known.`;
  return unreadable.length > 0
    ? 'No workload was seen, and not everything could be looked at.'
    : 'No source shows a machine, and there are no copies.';
}

const STATE_CHOICES = [
  { value: '', label: 'every state' },
  ...Object.entries(WORKLOAD_STATES).map(([value, { word }]) => ({ value, label: word })),
];

function fits({ name, id, state }: WorkloadView, find: string, wanted: string): boolean {
  const text = find.trim().toLowerCase();
  return (wanted === '' || state === wanted) && `${name} ${id}`.toLowerCase().includes(text);
}

const COLUMNS: readonly Column<WorkloadView>[] = [
  {
    head: 'Workload',
    width: '2fr',
    cell: (workload) => (
      <Link href={workloadAddress(workload)}>
        <Name>{workload.name}</Name>
      </Link>
    ),
  },
  { head: 'State', width: '7.2rem', cell: ({ state }) => <State said={WORKLOAD_STATES[state]} /> },
  {
    head: 'Newest copy',
    width: '1.2fr',
    cell: ({ newestCopyAt }) => (newestCopyAt === null ? 'none' : <Instant at={newestCopyAt} />),
  },
  {
    head: 'Allowed',
    width: '1.1fr',
    cell: (workload) => <span className="small">{limitWords(workload)}</span>,
  },
  {
    head: 'Newest at the source',
    width: '1.2fr',
    cell: ({ newestSourceAt }) =>
      newestSourceAt === null ? 'none' : <Instant at={newestSourceAt} />,
  },
  {
    head: 'Copies',
    width: '0.9fr',
    cell: (workload) => (
      <>
        {countWithLeftovers(workload)}
        {workload.storedBytes > 0 && <div className="small">{bytes(workload.storedBytes)}</div>}
      </>
    ),
  },
  {
    head: 'Oldest check',
    width: '1.1fr',
    cell: ({ oldestVerifiedAt, restorePointCount }) =>
      oldestVerifiedAt === null ? (
        restorePointCount === 0 ? (
          '–'
        ) : (
          'never'
        )
      ) : (
        <Instant at={oldestVerifiedAt} />
      ),
  },
  { head: 'Jobs', width: '1.3fr', cell: ({ copies }) => <Jobs copies={copies} /> },
];

function Jobs({ copies }: Pick<WorkloadView, 'copies'>) {
  if (copies.length === 0) return <span className="faint">none</span>;
  return copies.map(({ jobId }, index) => (
    <span key={jobId}>
      {index > 0 && ', '}
      <Link href={`/jobs/${jobId}`}>{jobId}</Link>
    </span>
  ));
}

function belowWorkload(workload: WorkloadView) {
  const why = whyOf(workload);
  if (workload.state === 'ok' || why === null) return null;
  return (
    <span className="small">
      {sentence(`${why.charAt(0).toUpperCase()}${printable(why.slice(1))}`)}
      {workload.since !== null && (
        <>
          {' '}
          Since <Instant at={workload.since} as="date" /> (<Instant at={workload.since} />
          ).
        </>
      )}
    </span>
  );
}
