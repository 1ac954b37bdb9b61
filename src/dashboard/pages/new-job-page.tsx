import { useEffect, useState } from 'react';
import { useLocation } from 'wouter';
import type { JobView } from '../../api/jobs/job-schemas.js';
import type { RepositoryView } from '../../api/repositories/repository-schemas.js';
import type { SystemView } from '../../api/system-routes.js';
import { useAction } from '../client/actions.js';
import { useRefusal } from '../client/refusals.js';
import { useApi, type ApiPage } from '../client/queries.js';
import { ActionButton } from '../show/action-button.js';
import { Commands } from '../show/commands.js';
import { CallFault } from '../show/fault.js';
import { createCommand, jobWords, listed } from '../show/job-words.js';
import { FIRST_WISHES, missingOf, wantedJob, type JobWishes } from '../show/new-job.js';
import { Page, Section, Waiting } from '../show/page.js';
import { Refused } from '../show/refused.js';
import { DryRun } from './dry-run.js';
import { KeepFields, WhatFields, WhenFields, WhereFields } from './new-job-fields.js';

/** What, where to, when, how long; then all of it in words before it is made. */
export function NewJobPage() {
  const repositories = useApi<ApiPage<RepositoryView>>('/repositories', { everyMs: null });
  const system = useApi<SystemView>('/system', { everyMs: null });
  const [wishes, setWishes] = useState<JobWishes>(FIRST_WISHES);
  const items = repositories.data?.items;
  useEffect(() => {
    if (items === undefined || system.data === undefined) return;
    const { timeZone } = system.data;
    setWishes((known) =>
      known.target === '' ? { ...known, ...firstPlaces(items), timeZone } : known,
    );
  }, [items, system.data]);
  return (
    <Page title="New job">
      <Refused reason={useRefusal('POST', '/jobs')} />
      {repositories.error !== null && (
        <CallFault error={repositories.error} what="The repositories could not be read." />
      )}
      {items === undefined && repositories.error === null && (
        <Waiting what="Asking for the repositories" />
      )}
      {items !== undefined && (
        <>
          <Section title="1. What is copied?">
            <WhatFields wishes={wishes} onChange={setWishes} repositories={items} />
          </Section>
          <Section title="2. Where to?">
            <WhereFields wishes={wishes} onChange={setWishes} repositories={items} />
          </Section>
          <Section title="3. When?">
            <WhenFields wishes={wishes} onChange={setWishes} />
          </Section>
          <Section title="4. How long, and how old may it become?">
            <KeepFields wishes={wishes} onChange={setWishes} />
          </Section>
          <Review wishes={wishes} />
        </>
      )}
    </Page>
  );
}

/** Where there is no choice, it is made. */
function firstPlaces(
  repositories: readonly RepositoryView[],
): Pick<JobWishes, 'sources' | 'target'> {
  const sources = repositories.filter(({ role }) => role === 'primary');
  const targets = repositories.filter(({ role }) => role === 'target');
  return {
    sources: sources.length === 1 ? sources.map(({ id }) => id) : [],
    target: targets.length === 1 ? (targets[0]?.id ?? '') : '',
  };
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
