import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useMemo } from 'react';
import type { RepositoryView } from '../../../api/repositories/repository-schemas.js';
import type { RestorePointView, WorkloadSummary } from '../../../domain/targets/repository-view.js';
import { useAddress, useAddressField } from '../../client/address.js';
import { EVERY, useAllPages, useApi, withQuery, type ApiPage } from '../../client/queries.js';
import { CallFault } from '../../show/fault.js';
import { printable } from '../../../domain/printable.js';
import { counted } from '../../show/format.js';
import { targetsFirst } from '../../show/repository-order.js';
import { Instant } from '../../show/instant.js';
import { Nothing, Page, Section, Waiting } from '../../show/page.js';
import { bestFirst, lostPointWords, noMachineWords, noPointWords } from './points.js';
import { Rows, type Column } from '../../show/rows.js';
import { UnreadableParts } from '../../show/unreadable.js';
import { PointRows } from './point-rows.js';
import { RestoreForm } from './restore-form.js';

/** Workload, moment, disks, place: each step stands in the address. */
export function RestorePage() {
  const repositories = useApi<ApiPage<RepositoryView>>('/repositories', { everyMs: EVERY.minute });
  const [fields, change] = useAddress();
  const workload = fields.get('workload') ?? '';
  const sorted = targetsFirst(repositories.data?.items ?? []);
  const repository = sorted.find(({ id }) => id === fields.get('repository')) ?? sorted[0];
  return (
    <Page title="Restore" asOfMs={repositories.dataUpdatedAt}>
      {repositories.error !== null && (
        <CallFault error={repositories.error} what="The repositories could not be read." />
      )}
      {repositories.data === undefined && repositories.error === null && (
        <Waiting what="Asking for the repositories" />
      )}
      {repository !== undefined && (
        <>
          <Section title="1. Which machine?">
            <NativeSelect
              label="Repository"
              value={repository.id}
              onChange={({ currentTarget }) =>
                change({ repository: currentTarget.value, point: '' })
              }
              data={sorted.map(({ id, role }) => ({ value: id, label: `${id} (${role})` }))}
              className="narrow"
            />
            {workload === '' ? (
              <WorkloadChoice
                repositoryId={repository.id}
                onChoose={(id) => change({ workload: id })}
              />
            ) : (
              <ChosenWorkload
                repositoryId={repository.id}
                id={workload}
                onChange={() => change({ workload: '', point: '' })}
              />
            )}
          </Section>
          {workload !== '' && (
            <PointStep
              repository={repository}
              workload={workload}
              pointId={fields.get('point') ?? ''}
              onChoose={(point) => change({ point })}
            />
          )}
        </>
      )}
    </Page>
  );
}

interface ChosenWorkloadProps {
  readonly repositoryId: string;
  readonly id: string;
  readonly onChange: () => void;
}

function ChosenWorkload({ repositoryId, id, onChange }: ChosenWorkloadProps) {
  const workloads = useAllPages<WorkloadSummary>(`/repositories/${repositoryId}/workloads`);
  const name = workloads.data?.items.find((workload) => workload.id === id)?.name;
  return (
    <div className="line chosen">
      <span>
        <strong>{printable(name ?? id)}</strong>{' '}
        {name !== undefined && <span className="small">{printable(id)}</span>}
      </span>
      <Button size="compact-sm" variant="default" onClick={onChange}>
        Choose another
      </Button>
    </div>
  );
}

function WorkloadChoice({
  repositoryId,
  onChoose,
}: {
  readonly repositoryId: string;
  readonly onChoose: (id: string) => void;
}) {
  const [filter, setFilter] = useAddressField('find');
  const workloads = useAllPages<WorkloadSummary>(`/repositories/${repositoryId}/workloads`);
  const shown = useMemo(
    () => byMachine(workloads.data?.items ?? [], filter),
    [workloads.data, filter],
  );
  const columns: readonly Column<WorkloadSummary>[] = [
    {
      head: 'Machine',
      width: '2fr',
      cell: ({ name, id }) => (
        <>
          <strong>{printable(name)}</strong> <span className="small">{printable(id)}</span>
        </>
      ),
    },
    {
      head: 'Newest moment',
      width: '1.2fr',
      cell: ({ newestAt }) => (newestAt === null ? 'none' : <Instant at={newestAt} />),
    },
    { head: 'Restore points', width: '1fr', cell: ({ restorePointCount }) => restorePointCount },
    {
      head: 'Choose',
      width: '7rem',
      cell: ({ id, name }) => (
        <Button
          size="compact-sm"
          variant="default"
          onClick={() => onChoose(id)}
          aria-label={`Choose ${name}`}
        >
          Choose
        </Button>
      ),
    },
  ];
  return (
    <div className="stack">
      <TextInput
        label="Find a machine"
        value={filter}
        onChange={({ currentTarget }) => setFilter(currentTarget.value)}
        className="narrow"
      />
      {workloads.error !== null && (
        <CallFault error={workloads.error} what="What lies in the repository could not be read." />
      )}
      {workloads.data === undefined && workloads.error === null && (
        <Waiting what="Reading what lies there" />
      )}
      <UnreadableParts parts={workloads.data?.unreadable} />
      {workloads.data !== undefined && shown.length === 0 && (
        <Nothing>{noMachineWords(filter, workloads.data.unreadable)}</Nothing>
      )}
      {shown.length > 0 && (
        <Rows label="Machines" columns={columns} rows={shown} keyOf={({ id }) => id} />
      )}
      {shown.length > 0 && <span className="small">{counted(shown.length, 'machine')}</span>}
    </div>
  );
}

/** Several jobs may keep copies of one machine: it is one row. */
function byMachine(items: readonly WorkloadSummary[], filter: string): WorkloadSummary[] {
  const wanted = filter.trim().toLowerCase();
  const machines = new Map<string, WorkloadSummary>();
  for (const item of items) {
    if (!`${item.name} ${item.id}`.toLowerCase().includes(wanted)) continue;
    const known = machines.get(item.id);
    const newestAt =
      [known?.newestAt ?? null, item.newestAt]
        .filter((at) => at !== null)
        .sort()
        .at(-1) ?? null;
    const restorePointCount = (known?.restorePointCount ?? 0) + item.restorePointCount;
    machines.set(item.id, { ...item, newestAt, restorePointCount });
  }
  return [...machines.values()].sort((a, b) => a.name.localeCompare(b.name));
}

interface PointStepProps {
  readonly repository: RepositoryView;
  readonly workload: string;
  readonly pointId: string;
  readonly onChoose: (id: string) => void;
}

function PointStep({ repository, workload, pointId, onChoose }: PointStepProps) {
  const points = useAllPages<RestorePointView>(
    withQuery(`/repositories/${repository.id}/restore-points`, { workload }),
  );
  const sorted = useMemo(() => bestFirst(points.data?.items ?? []), [points.data]);
  const point = sorted.find(({ id }) => id === pointId);
  return (
    <>
      <Section title="2. From which moment?" note="verified and good first, then the newest">
        {points.error !== null && (
          <CallFault error={points.error} what="Its restore points could not be read." />
        )}
        {points.data === undefined && points.error === null && (
          <Waiting what="Reading its restore points" />
        )}
        <UnreadableParts parts={points.data?.unreadable} />
        {points.data !== undefined && sorted.length === 0 && (
          <Nothing>{noPointWords(points.data.unreadable)}</Nothing>
        )}
        {point === undefined && sorted.length > 0 && (
          <PointRows points={sorted} label="Restore points" onChoose={onChoose} />
        )}
        {point !== undefined && (
          <div className="line chosen">
            <strong>
              {printable(point.workload)}, <Instant at={point.createdAt} as="moment" /> (
              <Instant at={point.createdAt} />)
            </strong>
            <Button size="compact-sm" variant="default" onClick={() => onChoose('')}>
              Choose another
            </Button>
          </div>
        )}
        {points.data !== undefined && pointId !== '' && point === undefined && (
          <Nothing>{lostPointWords(points.data.unreadable)}</Nothing>
        )}
      </Section>
      {point !== undefined && <RestoreForm key={point.id} repository={repository} point={point} />}
    </>
  );
}
