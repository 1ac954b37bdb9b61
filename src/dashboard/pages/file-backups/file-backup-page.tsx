import { Link, useParams } from 'wouter';
import type { FileBackupJobView } from '../../../api/file-backups/file-backup-schemas.js';
import { useAction } from '../../client/actions.js';
import { EVERY, useApi } from '../../client/queries.js';
import { useEvery } from '../../client/use-every.js';
import { Commands, curlLine } from '../../show/commands.js';
import { Confirm } from '../../show/confirm.js';
import { CallFault, Fault } from '../../show/fault.js';
import {
  primaryStartWords,
  primaryWords,
  targetWords,
  type TargetWords,
} from './file-backup-words.js';
import { Instant } from '../../show/instant.js';
import { MissedStart } from '../jobs/missed-start.js';
import { Page, Section, Waiting } from '../../show/page.js';
import { Rows, type Column } from '../../show/rows.js';
import { State } from '../../show/state.js';
import { sayJobState } from '../../show/words.js';
import { LastRun } from './file-backups-page.js';
import { Runs } from '../jobs/runs.js';

export function FileBackupPage() {
  const { id } = useParams<{ id: string }>();
  const path = `/file-backup-jobs/${encodeURIComponent(id)}`;
  const job = useApi<FileBackupJobView>(path, { everyMs: useEvery(EVERY.few) });
  return (
    <Page
      title={job.data?.name ?? id}
      beside={job.data !== undefined && <State said={sayJobState(job.data.state)} />}
      asOfMs={job.dataUpdatedAt}
      actions={job.data !== undefined && <Actions job={job.data} path={path} />}
    >
      {job.error !== null && (
        <CallFault error={job.error} what={`The file-backup job ${id} could not be read.`} />
      )}
      {job.data === undefined && job.error === null && <Waiting what="Asking for the job" />}
      {job.data !== undefined && <Definition job={job.data} />}
      {job.data !== undefined && (
        <Section title="Secondary targets">
          <Rows
            label="Secondary targets"
            columns={COLUMNS}
            rows={targetWords(job.data)}
            keyOf={({ repositoryId }) => repositoryId}
          />
        </Section>
      )}
      {job.data?.copyJobs.map((copyJob) => (
        <Runs key={copyJob} jobId={copyJob} title={`Runs of ${copyJob}`} zone={job.data.timeZone} />
      ))}
    </Page>
  );
}

function Actions({ job, path }: { readonly job: FileBackupJobView; readonly path: string }) {
  const isEnabled = job.state === 'enabled';
  const start = useAction<{ runId: string }>({
    method: 'POST',
    path: `${path}/start`,
    isKeyed: true,
    done: `${job.name} has been started.`,
  });
  const turned = isEnabled ? 'disable' : 'enable';
  const turn = useAction({
    method: 'POST',
    path: `${path}/${turned}`,
    done: `${job.name} has been ${isEnabled ? 'disabled' : 'enabled'}.`,
  });
  return (
    <div className="line">
      <Confirm
        verb="Start now"
        title={`Start ${job.name} now`}
        look="filled"
        action={start}
        commands={[`longhaul file-backup-job start ${job.id}`, curlLine('POST', `${path}/start`)]}
        onConfirm={() => start.mutate()}
      >
        <p className="definition">
          It makes a primary backup now; each secondary target that follows the run is copied to
          after it.
        </p>
      </Confirm>
      <Confirm
        verb={isEnabled ? 'Disable' : 'Enable'}
        title={isEnabled ? 'Keep it from starting by itself' : 'Let it start by itself again'}
        action={turn}
        commands={[
          `longhaul file-backup-job ${turned} ${job.id}`,
          curlLine('POST', `${path}/${turned}`),
        ]}
        onConfirm={() => turn.mutate()}
      >
        <p className="definition">
          {isEnabled
            ? 'Neither it nor its secondary targets start by themselves from then on, so the copies grow old. What runs goes on, and copies stay.'
            : 'It and its secondary targets start again when their schedules say so.'}
        </p>
      </Confirm>
    </div>
  );
}

function Definition({ job }: { readonly job: FileBackupJobView }) {
  const { lastRun } = job;
  return (
    <Section title="What it does" note={`revision ${job.revision}`}>
      <div className="stack">
        {lastRun !== null && (lastRun.result === 'failed' || lastRun.result === 'warning') && (
          <Fault
            mood={lastRun.result === 'failed' ? 'bad' : 'attention'}
            what="Its last run did not go as it should."
            reason={lastRun.reason}
            since={lastRun.startedAt}
          />
        )}
        {job.missedStartAt !== null && <MissedStart at={job.missedStartAt} zone={job.timeZone} />}
        {job.description !== '' && <p className="definition">{job.description}</p>}
        <p className="definition">
          {primaryWords(job)}. {primaryStartWords(job)}
        </p>
        <p className="definition">
          Last run: <LastRun job={job} />
          {job.nextRunAt !== null && (
            <>
              {' '}
              Next: <Instant at={job.nextRunAt} zone={job.timeZone} />
            </>
          )}
        </p>
        <Commands
          lines={[
            `longhaul file-backup-job start ${job.id}`,
            `longhaul file-backup-job show ${job.id} --json > ${job.id}.json`,
            `longhaul file-backup-job update ${job.id} --file ${job.id}.json`,
          ]}
        />
      </div>
    </Section>
  );
}

const COLUMNS: readonly Column<TargetWords>[] = [
  { head: 'Target', width: '1fr', cell: ({ repositoryId }) => repositoryId },
  {
    head: 'Copy job',
    width: '1.5fr',
    cell: ({ copyJob }) => <Link href={`/jobs/${copyJob}`}>{copyJob}</Link>,
  },
  { head: 'Starts', width: '1.5fr', cell: ({ starts }) => starts },
  { head: 'Hours', width: '1.5fr', cell: ({ hours }) => hours },
  { head: 'Keeps', width: '1.5fr', cell: ({ keeps }) => keeps },
];
