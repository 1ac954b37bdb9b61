import { Button } from '@mantine/core';
import { useState } from 'react';
import type { JobPlan, WorkloadPlan } from '../../../domain/sessions/operation.js';
import { useApi, withQuery } from '../../client/queries.js';
import { Commands, curlLine } from '../../show/commands.js';
import { CallFault, Fault } from '../../show/fault.js';
import { printable } from '../../../domain/printable.js';
import { bytes, counted } from '../../show/format.js';
import { Instant } from '../../show/instant.js';
import { Nothing, Section, Waiting } from '../../show/page.js';
import { Rows, type Column } from '../../show/rows.js';
import { sentence } from '../../show/sentence.js';

/** What the next session would copy, and what retention would then do. It reads sources and target, so it is asked for and not repeated. */
export function PlanSection({
  jobId,
  revision,
}: {
  readonly jobId: string;
  readonly revision: number;
}) {
  const [cursors, setCursors] = useState<readonly (string | undefined)[]>([undefined]);
  const cursor = cursors.at(-1);
  const path = `/jobs/${encodeURIComponent(jobId)}/plan`;
  const plan = useApi<JobPlan>(withQuery(path, { cursor }), {
    everyMs: null,
    freshMs: 30_000,
    revision,
  });
  return (
    <Section
      title="Plan"
      note="what a session started now would copy, merge and delete; nothing is written"
      actions={
        <Button
          size="compact-sm"
          variant="default"
          loading={plan.isFetching}
          onClick={() => void plan.refetch()}
        >
          Look again
        </Button>
      }
    >
      <div className="stack">
        {plan.error !== null && <CallFault error={plan.error} what="The plan could not be made." />}
        {plan.data === undefined && plan.error === null && (
          <Waiting what="Reading sources and target" />
        )}
        {plan.data !== undefined && <PlanRows plan={plan.data} />}
        {plan.data?.nextCursor !== undefined && (
          <Button
            size="compact-sm"
            variant="default"
            w="fit-content"
            onClick={() => setCursors([...cursors, plan.data?.nextCursor])}
          >
            Next workloads
          </Button>
        )}
        <Commands lines={[`longhaul job plan ${jobId}`, curlLine('GET', path)]} />
      </div>
    </Section>
  );
}

export function PlanRows({ plan: { workloads } }: { readonly plan: JobPlan }) {
  if (workloads.length === 0) return <Nothing>No source shows a workload for this job.</Nothing>;
  return <Rows label="Plan" columns={COLUMNS} rows={workloads} keyOf={keyOf} below={retentionOf} />;
}

function keyOf({ workload, restorePoints }: WorkloadPlan): string {
  return `${workload}\n${restorePoints.join('\n')}`;
}

const ALGORITHMS = { full: 'a full', increment: 'an increment', none: 'nothing' } as const;

const COLUMNS: readonly Column<WorkloadPlan>[] = [
  { head: 'Workload', width: '1.2fr', cell: ({ workload }) => printable(workload) },
  {
    head: 'Copies',
    width: '1.5fr',
    cell: ({ algorithm, restorePoints, estimatedBytes }) =>
      algorithm === 'none'
        ? ALGORITHMS.none
        : `${ALGORITHMS[algorithm]}, ${counted(restorePoints.length, 'restore point')}${estimatedBytes === null ? '' : `, up to ${bytes(estimatedBytes)}`}`,
  },
  {
    head: 'Why',
    width: '3fr',
    cell: ({ reasons, lookAgainAt }) => (
      <>
        {reasons.map((reason) => sentence(printable(reason))).join(' ')}
        {lookAgainAt !== null && (
          <span className="small">
            {' '}
            Looked at again <Instant at={lookAgainAt} />.
          </span>
        )}
      </>
    ),
  },
];

function retentionOf({ retention: { actions, warnings }, omitted }: WorkloadPlan) {
  if (actions.length === 0 && warnings.length === 0) return null;
  return (
    <div className="stack">
      {actions.length > 0 && (
        <div className="small">
          Retention, with the chain as it is now:
          <ul className="plain-list">
            {actions.map((action) => (
              <li key={action}>{sentence(printable(action))}</li>
            ))}
          </ul>
        </div>
      )}
      {warnings.map((warning) => (
        <Fault key={warning} mood="attention" what={printable(warning)} />
      ))}
      {omitted > 0 && (
        <span className="small">{counted(omitted, 'entry', 'entries')} more are not shown.</span>
      )}
    </div>
  );
}
