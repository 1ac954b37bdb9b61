import { Button, NumberInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { JobSimulation, SimulationView } from '../../../api/previews/simulation-routes.js';
import { askApi, type ApiError } from '../../client/call-api.js';
import { Commands } from '../../show/commands.js';
import type { Definition } from './edit-job.js';
import { CallFault } from '../../show/fault.js';
import { printable } from '../../../domain/printable.js';
import { counted } from '../../show/format.js';
import { Instant } from '../../show/instant.js';
import { Rows, type Column } from '../../show/rows.js';

const USUAL_DAYS = 90;
const MAX_DAYS = 1_200;

interface Asked {
  readonly definition: Definition;
  readonly days: number;
}

/** What a definition would leave of the copies in the days ahead, from those that are there now. No data is touched.
 *  @param isChanged the definition is not the job as it is: both are shown */
export function PolicySimulator({
  jobId,
  definition,
  isChanged,
}: {
  readonly jobId: string;
  readonly definition: Definition;
  readonly isChanged: boolean;
}) {
  const [days, setDays] = useState(USUAL_DAYS);
  const simulation = useMutation<JobSimulation, ApiError, Asked>({
    mutationFn: (asked) =>
      askApi<JobSimulation>(`/jobs/${encodeURIComponent(jobId)}/simulation`, asked),
  });
  // What was found out of another definition is no answer to this one, also when it comes late.
  const isOfThis = JSON.stringify(simulation.variables?.definition) === JSON.stringify(definition);
  return (
    <div className="stack">
      <div className="line">
        <NumberInput
          label="Days ahead"
          min={1}
          max={MAX_DAYS}
          value={days}
          onChange={(value) => setDays(Number(value) || USUAL_DAYS)}
          className="narrow"
        />
        <Button
          variant="default"
          loading={simulation.isPending && isOfThis}
          onClick={() => simulation.mutate({ definition, days })}
        >
          Show what would stay
        </Button>
      </div>
      {isOfThis && simulation.error !== null && (
        <CallFault error={simulation.error} what="It could not be found out." />
      )}
      {isOfThis && simulation.data !== undefined && (
        <Simulated simulation={simulation.data} zone={definition.timeZone} isChanged={isChanged} />
      )}
      <Commands lines={[`longhaul job simulate ${jobId} --days ${days}`]} />
    </div>
  );
}

function Simulated({
  simulation: { workload, days, basis, present, wanted },
  zone,
  isChanged,
}: {
  readonly simulation: JobSimulation;
  readonly zone: string;
  readonly isChanged: boolean;
}) {
  return (
    <div className="stack">
      <p className="definition">
        Of {printable(workload)}, {counted(days, 'day')} ahead,{' '}
        {basis === 'schedule'
          ? 'with one restore point at each start of its schedule.'
          : 'with restore points at the pace of the newest ones, because it has no calendar.'}
      </p>
      {isChanged && <Outcome title="As the job is now" view={present} zone={zone} />}
      <Outcome
        title={isChanged ? 'With the change' : 'As the job is now'}
        view={wanted}
        zone={zone}
      />
    </div>
  );
}

function Outcome({
  title,
  view: { sessions, gone, left, days, warnings },
  zone,
}: {
  readonly title: string;
  readonly view: SimulationView;
  readonly zone: string;
}) {
  const most = days.reduce((largest, { points }) => Math.max(largest, points), 0);
  const oldest = days.at(-1)?.oldestAt;
  return (
    <div className="stack">
      <h3>{title}</h3>
      <p>
        {counted(sessions, 'session')}; {counted(gone.length, 'restore point')} of those there now{' '}
        {gone.length === 1 ? 'goes' : 'go'}; {counted(left.length, 'restore point')} are left at the
        end, never more than {most}.
        {oldest !== undefined && (
          <>
            {' '}
            The oldest is of <Instant at={oldest} zone={zone} as="date" />.
          </>
        )}
      </p>
      {warnings.map((warning) => (
        <p key={warning}>{printable(warning)}.</p>
      ))}
      <details className="commands">
        <summary>What is left, and why</summary>
        <Rows
          label={`What is left: ${title}`}
          columns={LEFT}
          rows={[...left].reverse()}
          keyOf={({ id }) => id}
        />
      </details>
      {gone.length > 0 && (
        <details className="commands">
          <summary>What goes, and when</summary>
          <Rows
            label={`What goes: ${title}`}
            columns={GONE}
            rows={gone}
            keyOf={({ createdAt, goneAt }) => `${createdAt} ${goneAt}`}
          />
        </details>
      )}
    </div>
  );
}

const LEFT: readonly Column<SimulationView['left'][number]>[] = [
  {
    head: 'Restore point',
    width: '1.2fr',
    cell: ({ createdAt }) => <Instant at={createdAt} as="date" />,
  },
  { head: 'Kind', width: '0.8fr', cell: ({ kind, isNew }) => `${kind}${isNew ? ', to come' : ''}` },
  { head: 'Why', width: '3fr', cell: ({ reasons }) => printable(reasons.join('; ')) },
];

const GONE: readonly Column<SimulationView['gone'][number]>[] = [
  {
    head: 'Restore point',
    width: '1fr',
    cell: ({ createdAt }) => <Instant at={createdAt} as="date" />,
  },
  {
    head: 'Gone after the session of',
    width: '1fr',
    cell: ({ goneAt }) => <Instant at={goneAt} as="date" />,
  },
];
