import { NativeSelect } from '@mantine/core';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { useAction } from '../../client/actions.js';
import { withQuery } from '../../client/queries.js';
import { curlLine } from '../../show/commands.js';
import { Confirm } from '../../show/confirm.js';
import { shellWord } from '../../show/format.js';

/** Takes the copies of a workload from a job: they stay, and the job begins anew. */
export function Detach({ jobId, workloadId }: { jobId: string; workloadId: string }) {
  const path = `/jobs/${jobId}/detach`;
  const body = { workload: workloadId };
  const detach = useRehome(path, body, 'They are being detached.');
  return (
    <Confirm
      verb="Detach"
      title={`Detach these copies from ${jobId}`}
      action={detach}
      commands={[
        `longhaul job detach ${jobId} ${shellWord(workloadId)} --yes`,
        curlLine('POST', path, body),
      ]}
      onConfirm={() => detach.mutate()}
    >
      <p className="definition">
        They stay where they are and can be restored, until somebody removes them: no retention and
        no session touches them. The next session of {jobId} makes a full copy. A job can go on with
        them later.
      </p>
    </Confirm>
  );
}

interface MapProps {
  readonly fromJobId: string;
  readonly workloadId: string;
  /** Jobs that copy the workload to where these copies lie. */
  readonly jobIds: readonly string[];
}

/** Lets a job go on with copies that belong to none. */
export function MapCopies({ fromJobId, workloadId, jobIds }: MapProps) {
  const [chosen, setJob] = useState<string | null>(null);
  const job = chosen ?? jobIds[0] ?? '';
  const path = `/jobs/${job}/map`;
  const body = { fromJobId, workload: workloadId };
  const map = useRehome(path, body, 'The job gets them.');
  if (jobIds.length === 0) return null;
  return (
    <Confirm
      verb="Go on with them"
      title="Let a job go on with these copies"
      action={map}
      commands={[
        `longhaul job map ${job} ${fromJobId} ${shellWord(workloadId)} --yes`,
        curlLine('POST', path, body),
      ]}
      onConfirm={() => map.mutate()}
    >
      <p className="definition">
        The next session of the job is an increment on them, and its retention holds for them from
        then on: what it does not keep goes. A job that keeps copies of this machine already has to
        be detached from them first.
      </p>
      <NativeSelect
        label="Job"
        data={[...jobIds]}
        value={job}
        onChange={({ currentTarget }) => setJob(currentTarget.value)}
      />
    </Confirm>
  );
}

function useRehome(path: string, body: object, done: string) {
  const [, navigate] = useLocation();
  return useAction<{ operationId: string }>({
    method: 'POST',
    path,
    body,
    done,
    then: ({ operationId }) => navigate(withQuery('/operations', { id: operationId })),
  });
}
