import { Button, NativeSelect } from '@mantine/core';
import { useState } from 'react';
import type { ListedJob } from '../../../api/jobs/job-schemas.js';
import type { AuditEntry } from '../../../domain/access/audit.js';
import { EVERY, useAllPages, useApi, withQuery, type ApiPage } from '../../client/queries.js';
import { CallFault } from '../../show/fault.js';
import { printable } from '../../../domain/printable.js';
import { Instant } from '../../show/instant.js';
import { Nothing, Section, Waiting } from '../../show/page.js';
import { Rows, type Column } from '../../show/rows.js';
import { State } from '../../show/state.js';
import { UnreadableParts } from '../../show/unreadable.js';

/** Who did this? The lines that lie beside the data, newest first. */
export function AuditSection() {
  const [jobId, setJobId] = useState('');
  const [isWhole, setWhole] = useState(false);
  const jobs = useApi<ApiPage<ListedJob>>('/jobs', { everyMs: null });
  const path = withQuery('/audit', { jobId });
  const newest = useApi<ApiPage<AuditEntry>>(path, { everyMs: EVERY.minute });
  const all = useAllPages<AuditEntry>(path, { everyMs: null, isWanted: isWhole });
  const page = all.data ?? newest.data;
  const hasMore = all.data === undefined && newest.data?.nextCursor !== undefined;
  const error = all.error ?? newest.error;
  const items = page?.items ?? [];
  return (
    <Section
      title="Who changed what"
      note="As it lies beside the data, on each target. Who asked for something without the right to it stands in the log of the server alone."
      actions={
        <NativeSelect
          aria-label="What it is about"
          value={jobId}
          onChange={({ currentTarget }) => {
            setJobId(currentTarget.value);
            setWhole(false);
          }}
          data={[
            { value: '', label: 'everything' },
            ...(jobs.data?.items ?? []).map(({ id }) => ({ value: id, label: id })),
          ]}
        />
      }
    >
      {error !== null && <CallFault error={error} what="The audit lines could not be read." />}
      {page === undefined && error === null && <Waiting what="Reading the audit lines" />}
      <UnreadableParts parts={page?.unreadable} />
      {page !== undefined && items.length === 0 && (
        <Nothing>
          There is none yet. A target that nothing was ever copied to gets its lines with its first
          copy.
        </Nothing>
      )}
      {items.length > 0 && (
        <Rows
          label="Audit lines"
          columns={COLUMNS}
          rows={items}
          keyOf={({ id }) => id}
          below={(line) => <BeforeAndAfter line={line} />}
        />
      )}
      {hasMore && (
        <Button
          variant="default"
          size="sm"
          mt="sm"
          loading={all.isFetching}
          onClick={() => setWhole(true)}
        >
          Show the older ones
        </Button>
      )}
    </Section>
  );
}

const COLUMNS: readonly Column<AuditEntry>[] = [
  { head: 'When', width: '1fr', cell: ({ at }) => <Instant at={at} as="date" /> },
  {
    head: 'Who',
    width: '1.2fr',
    cell: ({ who, role }) => (
      <>
        {printable(who)} <span className="small">({printable(role)})</span>
      </>
    ),
  },
  { head: 'What', width: '1.2fr', cell: ({ operation }) => printable(operation) },
  { head: 'Address', width: '1.6fr', cell: ({ path }) => printable(path) },
  {
    head: 'Outcome',
    width: '1fr',
    cell: ({ outcome }) => (
      <State said={{ mood: outcome === 'done' ? 'good' : 'attention', word: printable(outcome) }} />
    ),
  },
];

function BeforeAndAfter({ line: { before, after } }: { readonly line: AuditEntry }) {
  if (before === null && after === null) return null;
  return (
    <details className="commands">
      <summary>before and after</summary>
      <dl className="facts">
        <dt>Before</dt>
        <dd className="json">{textOf(before)}</dd>
        <dt>Asked for</dt>
        <dd className="json">{textOf(after)}</dd>
      </dl>
    </details>
  );
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  return printable(typeof value === 'string' ? value : JSON.stringify(value));
}
