import { Link } from 'wouter';
import type { FileBackupJobView } from '../../../api/file-backups/file-backup-schemas.js';
import { useApi, type ApiPage } from '../../client/queries.js';
import { Commands } from '../../show/commands.js';
import { CallFault } from '../../show/fault.js';
import { primaryWords, sayFileBackupRun } from './file-backup-words.js';
import { Instant } from '../../show/instant.js';
import { MissedStart } from '../jobs/missed-start.js';
import { Nothing, Page, Section, Waiting } from '../../show/page.js';
import { Rows, type Column } from '../../show/rows.js';
import { State } from '../../show/state.js';
import { sayJobState } from '../../show/words.js';

export function FileBackupsPage() {
  const jobs = useApi<ApiPage<FileBackupJobView>>('/file-backup-jobs');
  const items = jobs.data?.items ?? [];
  return (
    <Page title="File-backup jobs" asOfMs={jobs.dataUpdatedAt}>
      {jobs.error !== null && (
        <CallFault error={jobs.error} what="The file-backup jobs could not be read." />
      )}
      <Section title="Which file shares are backed up, and where do their copies go?">
        {jobs.data === undefined && jobs.error === null && <Waiting what="Asking for the jobs" />}
        {jobs.data !== undefined && items.length === 0 && (
          <Nothing>
            There is no file-backup job. A backup of a file share (restic, kopia, borg, dated
            folders) is copied by one; <Link href="/jobs">other backups</Link> are copied by jobs.
          </Nothing>
        )}
        {items.length > 0 && (
          <Rows
            label="File-backup jobs"
            columns={COLUMNS}
            rows={items}
            keyOf={({ id }) => id}
            below={({ missedStartAt, timeZone }) =>
              missedStartAt === null ? null : <MissedStart at={missedStartAt} zone={timeZone} />
            }
          />
        )}
        <Commands
          title="A new one on the command line"
          lines={[
            'longhaul file-backup-job create --help',
            'longhaul file-backup-job create --file job.json',
          ]}
        />
      </Section>
    </Page>
  );
}

const COLUMNS: readonly Column<FileBackupJobView>[] = [
  {
    head: 'Job',
    width: '2fr',
    cell: ({ id, name }) => <Link href={`/file-backup-jobs/${id}`}>{name}</Link>,
  },
  { head: 'State', width: '1.1fr', cell: ({ state }) => <State said={sayJobState(state)} /> },
  { head: 'Primary', width: '2fr', cell: primaryWords },
  {
    head: 'Secondary targets',
    width: '1.5fr',
    cell: ({ secondaryTargets }) =>
      secondaryTargets.map(({ repositoryId }) => repositoryId).join(', '),
  },
  { head: 'Last run', width: '1.5fr', cell: (job) => <LastRun job={job} /> },
];

export function LastRun({ job: { lastRun } }: { readonly job: FileBackupJobView }) {
  if (lastRun === null) return <span className="faint">none yet</span>;
  return (
    <>
      <State said={sayFileBackupRun(lastRun)} />{' '}
      <span className="small">
        <Instant at={lastRun.endedAt ?? lastRun.startedAt} />
      </span>
    </>
  );
}
