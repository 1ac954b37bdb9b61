import { NumberInput, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { Silence } from '../../../domain/notices/silence.js';
import { useAction } from '../../client/actions.js';
import { useAddress } from '../../client/address.js';
import { useApi, type ApiPage } from '../../client/queries.js';
import { ActionButton } from '../../show/action-button.js';
import { Commands, curlLine } from '../../show/commands.js';
import { Confirm } from '../../show/confirm.js';
import { CallFault } from '../../show/fault.js';
import { printable } from '../../../domain/printable.js';
import { shellWord } from '../../show/format.js';
import { Instant } from '../../show/instant.js';
import { Nothing, Section, Waiting } from '../../show/page.js';
import { Rows, type Column } from '../../show/rows.js';

/** What is told to nobody for a while. */
export function SilencesSection() {
  const silences = useApi<ApiPage<Silence>>('/silences');
  const items = silences.data?.items;
  return (
    <Section title="Silences" note="told to nobody for a while; the Overview shows it all the same">
      <div className="stack">
        {silences.error !== null && (
          <CallFault error={silences.error} what="The silences could not be read." />
        )}
        {items === undefined && silences.error === null && <Waiting what="Asking for silences" />}
        {items?.length === 0 && <Nothing>None: everything is told.</Nothing>}
        {items !== undefined && items.length > 0 && (
          <Rows label="Silences" columns={COLUMNS} rows={items} keyOf={({ id }) => id} />
        )}
        <NewSilence />
      </div>
    </Section>
  );
}

const COLUMNS: readonly Column<Silence>[] = [
  {
    head: 'Of what',
    width: '1.4fr',
    cell: ({ jobId, code }) =>
      `${code ?? 'everything'}${jobId === null ? '' : ` of ${printable(jobId)}`}`,
  },
  { head: 'Until', width: '1fr', cell: ({ until }) => <Instant at={until} /> },
  { head: 'Why', width: '1.6fr', cell: ({ reason }) => printable(reason) },
  { head: 'By', width: '0.8fr', cell: ({ createdBy }) => printable(createdBy) },
  { head: 'End', width: '0.8fr', cell: ({ id }) => <EndSilence id={id} /> },
];

function EndSilence({ id }: { readonly id: string }) {
  const path = `/silences/${id}`;
  const end = useAction({
    method: 'DELETE',
    path,
    done: 'It is told again.',
  });
  return (
    <Confirm
      verb="End it"
      title="End the silence"
      commands={[`longhaul notification unsilence ${id}`, curlLine('DELETE', path)]}
      action={end}
      onConfirm={() => end.mutate()}
    >
      <p className="definition">What is wrong is told with the next look.</p>
    </Confirm>
  );
}

function NewSilence() {
  const [hours, setHours] = useState(4);
  const [reason, setReason] = useState('');
  // A problem on the overview leads here with its job and its code.
  const [fields, change] = useAddress();
  const jobId = fields.get('job') ?? '';
  const code = fields.get('code') ?? '';
  const body = {
    hours,
    reason,
    ...(jobId === '' ? {} : { jobId }),
    ...(code === '' ? {} : { code }),
  };
  const make = useAction<Silence>({
    method: 'POST',
    path: '/silences',
    body,
    done: 'It is told to nobody until the silence ends.',
    then: () => setReason(''),
  });
  const only = `${jobId === '' ? '' : ` --job ${shellWord(jobId)}`}${code === '' ? '' : ` --code ${shellWord(code)}`}`;
  return (
    <>
      <div className="line">
        <NumberInput
          label="Hours"
          min={1}
          max={720}
          value={hours}
          onChange={(value) => setHours(Number(value) || 1)}
          w={110}
        />
        <TextInput
          label="Why"
          value={reason}
          onChange={({ currentTarget }) => setReason(currentTarget.value)}
        />
        <TextInput
          label="Only of the job"
          description="Its id; empty: everything."
          value={jobId}
          onChange={({ currentTarget }) => change({ job: currentTarget.value.trim() })}
        />
        <TextInput
          label="Only this problem"
          description="Its code; empty: every one."
          value={code}
          onChange={({ currentTarget }) => change({ code: currentTarget.value.trim() })}
        />
      </div>
      {make.error !== null && <CallFault error={make.error} what="There is no silence." />}
      <ActionButton
        variant="default"
        action={make}
        isDisabled={reason.trim() === ''}
        onClick={() => make.mutate()}
      >
        Be silent
      </ActionButton>
      <Commands
        lines={[
          `longhaul notification silence --hours ${hours} --reason ${shellWord(reason)}${only}`,
          curlLine('POST', '/silences', body),
        ]}
      />
    </>
  );
}
