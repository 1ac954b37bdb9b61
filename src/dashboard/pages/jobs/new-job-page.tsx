import { useState } from 'react';
import { useLocation } from 'wouter';
import type { JobView } from '../../../api/jobs/job-schemas.js';
import type { RepositoryView } from '../../../api/repositories/repository-schemas.js';
import type { SystemView } from '../../../api/system-routes.js';
import { useAction } from '../../client/actions.js';
import { useRefusal } from '../../client/refusals.js';
import { useApi, type ApiPage } from '../../client/queries.js';
import { ActionButton } from '../../show/action-button.js';
import { Commands } from '../../show/commands.js';
import { CallFault } from '../../show/fault.js';
import { createCommand, jobWords, listed } from '../../show/job-words.js';
import { firstWishes, missingOf, wantedJob, type JobWishes } from './new-job.js';
import { Page, Section, Waiting } from '../../show/page.js';
import { Refused } from '../../show/refused.js';
import { DryRun } from './dry-run.js';
import { KeepFields, WhatFields, WhenFields, WhereFields } from './new-job-fields.js';

/** What, where to, when, how long; then all of it in words before it is made. */
export function NewJobPage() {
  // Read once: what is chosen and typed does not change under the hands of whoever fills the form in.
  const once = { everyMs: null, freshMs: Infinity };
  const repositories = useApi<ApiPage<RepositoryView>>('/repositories', once);
  const system = useApi<SystemView>('/system', once);
  const error = repositories.error ?? system.error;
  return (
    <Page title="New job">
      <Refused reason={useRefusal('POST', '/jobs')} />
      {error !== null && <CallFault error={error} what="What there is to choose is not known." />}
      {error === null && (repositories.data === undefined || system.data === undefined) && (
        <Waiting what="Asking for the repositories" />
      )}
      {repositories.data !== undefined && system.data !== undefined && (
        <NewJobForm repositories={repositories.data.items} timeZone={system.data.timeZone} />
      )}
    </Page>
  );
}

interface NewJobFormProps {
  readonly repositories: readonly RepositoryView[];
  readonly timeZone: string;
}

function NewJobForm({ repositories, timeZone }: NewJobFormProps) {
  const [wishes, setWishes] = useState<JobWishes>(() => firstWishes(repositories, timeZone));
  const fields = { wishes, onChange: setWishes };
  return (
    <>
      <Section title="1. What is copied?">
        <WhatFields {...fields} repositories={repositories} />
      </Section>
      <Section title="2. Where to?">
        <WhereFields {...fields} repositories={repositories} />
      </Section>
      <Section title="3. When?">
        <WhenFields {...fields} />
      </Section>
      <Section title="4. How long, and how old may it become?">
        <KeepFields {...fields} />
      </Section>
      <Review wishes={wishes} />
    </>
  );
}

function Review({ wishes }: { readonly wishes: JobWishes }) {
  const [, navigate] = useLocation();
  const missing = missingOf(wishes);
  const job = wantedJob(wishes);
  const create = useAction<JobView>({
    method: 'POST',
    path: '/jobs',
    body: job,
    done: `${job.name} has been made.`,
    then: ({ id }) => navigate(`/jobs/${id}`),
  });
  return (
    <Section title="5. Is this what you want?">
      <div className="stack">
        {missing.length > 0 ? (
          <p className="nothing">Still needed: {listed(missing)}.</p>
        ) : (
          <p className="definition">{jobWords({ ...job, id: '' })}</p>
        )}
        <p className="nothing">
          Making it copies nothing yet. Its page comes next; nothing is copied before its first
          start.
        </p>
        {missing.length === 0 && <DryRun key={JSON.stringify(job)} job={job} />}
        {create.error !== null && <CallFault error={create.error} what="The job was not made." />}
        <ActionButton
          action={create}
          isDisabled={missing.length > 0}
          onClick={() => create.mutate()}
        >
          Make the job
        </ActionButton>
        {missing.length === 0 && (
          <Commands
            title="The same on the command line, with the whole definition"
            lines={[createCommand(job, job.name)]}
          />
        )}
      </div>
    </Section>
  );
}
