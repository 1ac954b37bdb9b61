import { NativeSelect, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useLocation } from 'wouter';
import type { RepositoryView } from '../../../api/repositories/repository-schemas.js';
import type { StoredJob } from '../../../domain/targets/repository-view.js';
import { useAction } from '../../client/actions.js';
import { useApi, type ApiPage } from '../../client/queries.js';
import { curlLine } from '../../show/commands.js';
import { Confirm } from '../../show/confirm.js';
import { counted, shellWord } from '../../show/format.js';
import { DAY_MS } from '../../../domain/elapsed.js';

interface CopyOnceProps {
  readonly repositoryId: string;
  readonly workloadId: string;
}

/** The newest restore point of a workload, copied once and removed after a day. */
export function CopyOnce({ repositoryId, workloadId }: CopyOnceProps) {
  const [, navigate] = useLocation();
  const found = useApi<ApiPage<RepositoryView>>('/repositories', { everyMs: null });
  const targets = (found.data?.items ?? [])
    .filter(({ id, role }) => role === 'target' && id !== repositoryId)
    .map(({ id }) => id);
  const [chosen, setTarget] = useState<string | null>(null);
  const [day, setDay] = useState('');
  const target = chosen ?? targets[0] ?? '';
  const body = {
    source: { repositoryId, workload: workloadId },
    target: { repositoryId: target },
    expiresAt: day === '' ? null : endOfDay(day),
  };
  const start = useAction<{ sessionId: string; hasBegun: boolean }>({
    method: 'POST',
    path: '/one-time-copies',
    body,
    isKeyed: true,
    done: ({ hasBegun }) =>
      hasBegun
        ? 'It is being copied.'
        : 'It is ordered. No worker has begun it yet: it begins by itself as soon as one runs.',
    then: ({ sessionId }) => navigate(`/sessions/${sessionId}`),
  });
  if (targets.length === 0) return null;
  return (
    <Confirm
      verb="Copy once"
      title="Copy its newest restore point once"
      action={start}
      commands={[
        `longhaul copy once ${repositoryId} ${shellWord(workloadId)} --to ${target}${day === '' ? '' : ` --expires ${day}`}`,
        curlLine('POST', '/one-time-copies', body),
      ]}
      onConfirm={() => start.mutate()}
    >
      <p className="definition">
        No job does it and no schedule repeats it. It is listed among the jobs whose copies lie in
        the repository, and can be restored like any other copy.
      </p>
      <NativeSelect
        label="To"
        data={targets}
        value={target}
        onChange={({ currentTarget }) => setTarget(currentTarget.value)}
      />
      <TextInput
        type="date"
        label="Removed after"
        description="A day in UTC. Without one it stays until somebody removes it."
        value={day}
        onChange={({ currentTarget }) => setDay(currentTarget.value)}
      />
    </Confirm>
  );
}

/** The first instant of the day after it. */
function endOfDay(day: string): string {
  return new Date(Date.parse(day) + DAY_MS).toISOString();
}

export function RemoveCopy({
  repositoryId,
  copy: { id, restorePointCount },
}: {
  readonly repositoryId: string;
  readonly copy: StoredJob;
}) {
  const path = `/repositories/${repositoryId}/one-time-copies/${id}/remove`;
  const remove = useAction({
    method: 'POST',
    path,
    done: `${id} is removed as soon as nothing holds it.`,
  });
  return (
    <Confirm
      verb="Remove"
      title={`Remove ${id}`}
      isDangerous
      action={remove}
      commands={[`longhaul copy remove ${repositoryId} ${id} --yes`, curlLine('POST', path)]}
      onConfirm={() => remove.mutate()}
    >
      <p className="definition">
        {counted(restorePointCount, 'restore point')} and all files of it are deleted for good, as
        soon as no session or restore uses it and it is not immutable any more.
      </p>
    </Confirm>
  );
}
