import { Button, Checkbox } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation, useParams } from 'wouter';
import type { JobChanges } from '../../../api/previews/job-change-routes.js';
import type { JobView } from '../../../api/jobs/job-schemas.js';
import type { RepositoryView } from '../../../api/repositories/repository-schemas.js';
import { useAction } from '../../client/actions.js';
import { askApi, type ApiError } from '../../client/call-api.js';
import { useApi, type ApiPage } from '../../client/queries.js';
import { useRefusal } from '../../client/refusals.js';
import { ActionButton } from '../../show/action-button.js';
import { Commands, curlLine } from '../../show/commands.js';
import {
  editedJob,
  hasEndedTiers,
  ownZones,
  textOf,
  unshownExclusions,
  wishesOf,
  type Definition,
} from './edit-job.js';
import { CallFault, Fault } from '../../show/fault.js';
import { printable } from '../../../domain/printable.js';
import { jobWords, listed, maintenanceWords, startWords } from '../../show/job-words.js';
import { missingOf, type JobWishes } from './new-job.js';
import { Nothing, Page, Section, Waiting } from '../../show/page.js';
import { Refused } from '../../show/refused.js';
import { Rows, type Column } from '../../show/rows.js';
import { sentence } from '../../show/sentence.js';
import { PolicySimulator } from './policy-simulator.js';
import { previewOf, PreviewOf, type Preview } from './dry-run.js';
import { KeepFields, WhatFields, WhenFields, WhereFields } from './new-job-fields.js';

/** A job as a form; nothing is changed before what it would mean has been shown. */
export function EditJobPage() {
  const { id } = useParams<{ id: string }>();
  const path = `/jobs/${encodeURIComponent(id)}`;
  // Read once: what is edited does not change under the hands of whoever edits it.
  const job = useApi<JobView>(path, { everyMs: null, freshMs: Infinity });
  const repositories = useApi<ApiPage<RepositoryView>>('/repositories', { everyMs: null });
  const error = job.error ?? repositories.error;
  return (
    <Page title={`Edit ${job.data?.name ?? id}`}>
      <Refused reason={useRefusal('PUT', path)} />
      {error !== null && <CallFault error={error} what={`The job ${id} could not be read.`} />}
      {error === null && (job.data === undefined || repositories.data === undefined) && (
        <Waiting what="Asking for the job" />
      )}
      {job.data?.fileBackupJobId !== undefined && (
        <Fault
          mood="attention"
          what={`It is a secondary target of the file-backup job ${job.data.fileBackupJobId}, which alone changes it.`}
          hint={`Change that one: longhaul file-backup-job update ${job.data.fileBackupJobId} --file <file>`}
        />
      )}
      {job.data?.kind === 'mirror' && (
        <Fault
          mood="attention"
          what="It is a mirror, whose definition is another one than this form's."
          hint={`Change it on the command line: \`longhaul mirror-job show ${id} --json > ${id}.json\`, then \`longhaul mirror-job update ${id} --file ${id}.json\``}
        />
      )}
      {job.data !== undefined &&
        job.data.fileBackupJobId === undefined &&
        job.data.kind !== 'mirror' &&
        repositories.data !== undefined && (
          <EditForm key={job.data.revision} job={job.data} repositories={repositories.data.items} />
        )}
    </Page>
  );
}

interface EditFormProps {
  readonly job: JobView;
  readonly repositories: readonly RepositoryView[];
}

function EditForm({ job, repositories }: EditFormProps) {
  const [wishes, setWishes] = useState<JobWishes>(() => wishesOf(job));
  const fields = { wishes, onChange: setWishes };
  const definition = editedJob(job, wishes);
  const missing = missingOf(wishes);
  return (
    <>
      <Section title="What is copied?">
        <WhatFields {...fields} repositories={repositories} isNew={false} />
        {job.sources.include.some(({ workloads, patterns }) => workloads ?? patterns) && (
          <p className="nothing">
            Of some sources it takes chosen machines alone; that choice stays here, and is changed
            on the command line.
          </p>
        )}
        <UnshownExclusions job={job} />
      </Section>
      <Section title="Where to?">
        <WhereFields {...fields} repositories={repositories} />
      </Section>
      <Section title="When?">
        <WhenFields
          {...fields}
          asIs={wishesOf(job).start === 'asIs' ? startWords(job) : undefined}
          zones={ownZones(job)}
        />
      </Section>
      <Section title="How long, and how old may it become?">
        <KeepFields
          {...fields}
          check={job.healthCheck === null ? undefined : maintenanceWords(job.healthCheck)}
        />
        {hasEndedTiers(job, wishes) && (
          <Checkbox
            label="Let fulls of the tiers that are off go at once"
            description="Otherwise they stay until the day of their flags."
            checked={wishes.releasesGfs}
            onChange={({ currentTarget }) =>
              setWishes({ ...wishes, releasesGfs: currentTarget.checked })
            }
          />
        )}
      </Section>
      <Section title="What would that change?">
        {missing.length > 0 ? (
          <p className="nothing">Still needed: {listed(missing)}.</p>
        ) : (
          <Change key={JSON.stringify(definition)} job={job} definition={definition} />
        )}
      </Section>
      {missing.length === 0 && (
        <Section title="What would stay?">
          <PolicySimulator jobId={job.id} definition={definition} isChanged />
        </Section>
      )}
    </>
  );
}

/** What no line of the form can hold is not lost with the first change of another. */
function UnshownExclusions({ job }: { readonly job: JobView }) {
  const unshown = unshownExclusions(job.sources.exclude);
  if (unshown.length === 0) return null;
  return (
    <p className="nothing">
      Also left out, which stays here and is changed on the command line:{' '}
      {listed(unshown.map((entry) => JSON.stringify(printable(textOf(entry)))))}.
    </p>
  );
}

interface ChangePreview extends Preview {
  readonly changes: JobChanges;
}

/** First what it means, then the button that does it. */
function Change({ job, definition }: { readonly job: JobView; readonly definition: Definition }) {
  const [, navigate] = useLocation();
  const path = `/jobs/${encodeURIComponent(job.id)}`;
  const preview = useMutation<ChangePreview, ApiError>({
    mutationFn: async () => ({
      changes: await askApi<JobChanges>(`${path}/changes`, definition),
      ...(await previewOf(definition)),
    }),
  });
  const save = useAction<JobView>({
    method: 'PUT',
    path,
    body: definition,
    headers: { 'If-Match': String(job.revision) },
    done: `${definition.name} has been changed.`,
    then: () => navigate(`/jobs/${job.id}`),
  });
  const changes = preview.data?.changes.changes ?? [];
  return (
    <div className="stack">
      <p className="definition">{jobWords(definition)}</p>
      <Button
        w="fit-content"
        variant="default"
        loading={preview.isPending}
        onClick={() => preview.mutate()}
      >
        Show what it would change
      </Button>
      {preview.error !== null && (
        <CallFault error={preview.error} what="It could not be found out." />
      )}
      {preview.data !== undefined && (
        <>
          {changes.length === 0 ? (
            <Nothing>Nothing differs from the job as it is.</Nothing>
          ) : (
            <Rows label="Changes" columns={COLUMNS} rows={changes} keyOf={({ field }) => field} />
          )}
          <PreviewOf preview={preview.data} job={definition} />
        </>
      )}
      {save.error !== null && (
        <CallFault error={save.error} what="The job was not changed: it is as it was." />
      )}
      <ActionButton
        action={save}
        color={preview.data?.changes.needsLook === true ? 'red' : undefined}
        isDisabled={changes.length === 0}
        onClick={() => save.mutate()}
      >
        Save the change
      </ActionButton>
      <Commands
        lines={[
          `longhaul job show ${job.id} --json > ${job.id}.json`,
          `longhaul job update ${job.id} --file ${job.id}.json --revision ${job.revision}`,
          `longhaul job edit ${job.id} --keep 30 --dry-run`,
          ...(definition.gfs === null && job.gfs !== null
            ? [
                `longhaul job edit ${job.id} --gfs-off${definition.endedGfs === null ? ' --release-gfs-fulls' : ''} --dry-run`,
              ]
            : []),
          curlLine('POST', `${path}/changes`, definition),
        ]}
      />
    </div>
  );
}

const COLUMNS: readonly Column<JobChanges['changes'][number]>[] = [
  { head: 'Field', width: '1fr', cell: ({ field }) => field },
  { head: 'Before', width: '2fr', cell: ({ before }) => <code>{JSON.stringify(before)}</code> },
  { head: 'After', width: '2fr', cell: ({ after }) => <code>{JSON.stringify(after)}</code> },
  {
    head: 'What it means',
    width: '2fr',
    cell: ({ text, effect }) =>
      text === null
        ? 'Nothing for the copies that are there.'
        : sentence(`${LEADS[effect]}${text}`),
  },
];

const LEADS = { none: '', copiesLess: '', newChain: 'a new chain: ', mayDelete: 'less is kept: ' };
