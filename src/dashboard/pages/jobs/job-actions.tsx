import { Button, Checkbox, Radio } from '@mantine/core';
import { useState } from 'react';
import { useLocation } from 'wouter';
import type { JobView } from '../../../api/jobs/job-schemas.js';
import type { StartOverrides } from '../../../domain/jobs/copy-job.js';
import { useAction } from '../../client/actions.js';
import { useRefusal } from '../../client/refusals.js';
import { curlLine } from '../../show/commands.js';
import { Confirm } from '../../show/confirm.js';
import { printable } from '../../../domain/printable.js';
import { hoursWords } from '../../show/job-words.js';

export function JobActions({ job }: { readonly job: JobView }) {
  const { id, kind, state, lastSession } = job;
  const isRunning = lastSession !== null && lastSession.state !== 'ended';
  return (
    <div className="line">
      <StartJob job={job} isRunning={isRunning} />
      {state === 'disabled' ? <EnableJob id={id} /> : <DisableJob id={id} />}
      {kind !== 'mirror' && <EditJob id={id} />}
      <DeleteJob job={job} />
    </div>
  );
}

function EditJob({ id }: { readonly id: string }) {
  const [, navigate] = useLocation();
  return (
    <Button size="sm" variant="default" onClick={() => navigate(`/jobs/${id}/edit`)}>
      Edit
    </Button>
  );
}

function StartJob({ job, isRunning }: { readonly job: JobView; readonly isRunning: boolean }) {
  const [, navigate] = useLocation();
  const [overrides, setOverrides] = useState<StartOverrides>({});
  const path = `/jobs/${job.id}/start`;
  const start = useAction<{ sessionId: string }>({
    method: 'POST',
    path,
    body: overrides,
    isKeyed: true,
    done: `${job.name} has been started.`,
    then: ({ sessionId }) => navigate(`/sessions/${sessionId}`),
  });
  return (
    <Confirm
      verb="Start now"
      confirmVerb="Start"
      title={`Start ${job.name} now`}
      look="filled"
      action={start}
      commands={[startCommand(job.id, overrides), curlLine('POST', path, overrides)]}
      onConfirm={() => start.mutate()}
    >
      {isRunning && (
        <p className="nothing">A session of it runs: workloads that it copies are left to it.</p>
      )}
      <StartChoices job={job} overrides={overrides} onChange={setOverrides} />
      <p className="nothing">
        What it would copy, and what retention does after it, stands under Plan on this page.
      </p>
    </Confirm>
  );
}

interface StartChoicesProps {
  readonly job: JobView;
  readonly overrides: StartOverrides;
  readonly onChange: (overrides: StartOverrides) => void;
}

function StartChoices({ job, overrides, onChange }: StartChoicesProps) {
  const takeOverRefusal = useRefusal('POST', `/jobs/${job.id}/start`, 'takeOver');
  return (
    <>
      <Radio.Group
        label="Restore points"
        value={overrides.restorePoints ?? job.restorePoints}
        onChange={(value) => onChange({ ...overrides, restorePoints: value })}
      >
        <div className="stack">
          <Radio value="latest" label="the newest one of each machine" />
          <Radio value="all" label="every one that is not copied yet" />
        </div>
      </Radio.Group>
      <Checkbox
        label="Do not wait for restore points that may still be written"
        checked={overrides.now ?? false}
        onChange={({ currentTarget }) => onChange({ ...overrides, now: currentTarget.checked })}
      />
      <Checkbox
        label="Make new fulls from the source (reads everything)"
        checked={overrides.activeFull ?? false}
        onChange={({ currentTarget }) =>
          onChange({ ...overrides, activeFull: currentTarget.checked })
        }
      />
      <Checkbox
        label="Go on with copies that another job of this id left in the target"
        description={takeOverRefusal === null ? undefined : printable(takeOverRefusal)}
        disabled={takeOverRefusal !== null}
        checked={overrides.takeOver ?? false}
        onChange={({ currentTarget }) =>
          onChange({ ...overrides, takeOver: currentTarget.checked })
        }
      />
      {job.allowedHours !== null && (
        <Checkbox
          label={`Do not wait for its hours (it copies ${hoursWords(job.allowedHours)})`}
          checked={overrides.anyHour ?? false}
          onChange={({ currentTarget }) =>
            onChange({ ...overrides, anyHour: currentTarget.checked })
          }
        />
      )}
    </>
  );
}

function startCommand(
  id: string,
  { restorePoints, activeFull, now, anyHour, takeOver }: StartOverrides,
): string {
  const flags = [
    ...(restorePoints === undefined ? [] : [restorePoints === 'all' ? '--all' : '--latest']),
    ...(now === true ? ['--now'] : []),
    ...(activeFull === true ? ['--active-full'] : []),
    ...(anyHour === true ? ['--any-hour'] : []),
    ...(takeOver === true ? ['--take-over'] : []),
  ];
  return ['longhaul job start', id, ...flags, '--follow'].join(' ');
}

function EnableJob({ id }: { readonly id: string }) {
  const path = `/jobs/${id}/enable`;
  const enable = useAction({
    method: 'POST',
    path,
    done: `${id} starts by itself again.`,
  });
  return (
    <Confirm
      verb="Enable"
      title="Let it start by itself again"
      commands={[`longhaul job enable ${id}`, curlLine('POST', path)]}
      action={enable}
      onConfirm={() => enable.mutate()}
    >
      <p className="definition">
        It starts again when its schedule says so, or when its sources show something new.
      </p>
    </Confirm>
  );
}

function DisableJob({ id }: { readonly id: string }) {
  const path = `/jobs/${id}/disable`;
  const disable = useAction({
    method: 'POST',
    path,
    done: `${id} no longer starts by itself.`,
  });
  return (
    <Confirm
      verb="Disable"
      title="Keep it from starting by itself"
      commands={[`longhaul job disable ${id}`, curlLine('POST', path)]}
      action={disable}
      onConfirm={() => disable.mutate()}
    >
      <p className="definition">
        Nothing new is copied by it from then on, so its copies grow old. A session that runs goes
        on, copies stay, and it can still be started by hand.
      </p>
    </Confirm>
  );
}

function DeleteJob({ job }: { readonly job: JobView }) {
  const { id, name, target, fileBackupJobId: of } = job;
  const [, navigate] = useLocation();
  const path = `/jobs/${id}`;
  const remove = useAction({
    method: 'DELETE',
    path,
    done: `${name} is deleted; its copies stay.`,
    then: () => navigate('/jobs'),
  });
  return (
    <Confirm
      verb="Delete"
      title={`Delete ${name}`}
      commands={[`longhaul job delete ${id}`, curlLine('DELETE', path)]}
      isDangerous
      action={
        of === undefined
          ? remove
          : {
              ...remove,
              refusal: `the file-backup job ${of}, whose secondary target it is, alone changes it`,
            }
      }
      onConfirm={() => remove.mutate()}
    >
      <p className="definition">
        The job is gone and copies nothing more. No restore point is deleted: its copies, its
        definition and the records of its sessions stay in {target.repositoryId}, from where{' '}
        <code>longhaul job import</code> takes it up again. A session that runs goes on.
      </p>
    </Confirm>
  );
}

export function ReplaceJob({ job: { id } }: { readonly job: JobView }) {
  const [, navigate] = useLocation();
  const path = `/jobs/${id}/replacement`;
  const replace = useAction<JobView>({
    method: 'POST',
    path,
    done: `A new job replaces ${id}.`,
    then: (created) => navigate(`/jobs/${created.id}`),
  });
  return (
    <Confirm
      verb="Replace the job"
      title="A new job with a new chain"
      look="filled"
      commands={[`longhaul job replace ${id}`, curlLine('POST', path)]}
      action={replace}
      onConfirm={() => replace.mutate()}
    >
      <p className="definition">
        A new job with the same definition copies all machines of this job anew, also those whose
        chains go on, and needs the space for it. This job is disabled and keeps all of its copies.
        For one machine alone, detach its copies instead.
      </p>
    </Confirm>
  );
}
