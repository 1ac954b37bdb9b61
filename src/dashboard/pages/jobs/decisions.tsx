import { Link, useLocation } from 'wouter';
import type { JobView } from '../../../api/jobs/job-schemas.js';
import type { SessionView, TaskView } from '../../../api/sessions/session-schemas.js';
import type { ErrorCode } from '../../../domain/errors.js';
import type { StartOverrides } from '../../../domain/jobs/copy-job.js';
import { useAction } from '../../client/actions.js';
import { useApi } from '../../client/queries.js';
import { curlLine } from '../../show/commands.js';
import { Confirm } from '../../show/confirm.js';
import { CallFault, Fault } from '../../show/fault.js';
import { printable } from '../../../domain/printable.js';
import { counted, shellWord } from '../../show/format.js';
import { Waiting } from '../../show/page.js';
import { ReplaceJob } from './job-actions.js';
import { Detach } from '../workloads/rehome.js';

interface DecisionsProps {
  readonly job: JobView;
  /** The newest that found what waits. */
  readonly sessionId: string;
}

/** What of a job waits for somebody to decide: each workload with what was found, and what can be said to it. */
export function Decisions({ job, sessionId }: DecisionsProps) {
  const session = useApi<SessionView>(`/sessions/${encodeURIComponent(sessionId)}`, {
    everyMs: null,
  });
  if (session.error !== null)
    return <CallFault error={session.error} what="What waits for a decision could not be read." />;
  if (session.data === undefined) return <Waiting what="Asking what waits for a decision" />;
  const { startedAt, taskCounts, tasks } = session.data;
  const undecided = tasks.filter(({ result }) => result === 'actionRequired');
  const more = taskCounts.actionRequired - undecided.length;
  const isReplaceable = undecided.some(({ code }) => code === 'SOURCE_CHAIN_RECREATED');
  return (
    <>
      {undecided.map((task) => (
        <Fault
          key={task.workloadId ?? task.workload}
          what={`${printable(task.workload)} waits for a decision, and is not copied until then`}
          since={startedAt}
          reason={task.reason}
          code={task.code}
        >
          <Decision jobId={job.id} task={task} />
        </Fault>
      ))}
      <div className="line">
        {isReplaceable && <ReplaceJob job={job} />}
        <Link href={`/sessions/${sessionId}`}>
          {more > 0
            ? `${counted(more, 'more workload waits', 'more workloads wait')}: all in the session that found them`
            : 'The session that found it'}
        </Link>
      </div>
    </>
  );
}

/** What can be said to it with a button; null: the next step of its code says what else there is. */
function Decision({ jobId, task }: { readonly jobId: string; readonly task: TaskView }) {
  const { code, workloadId } = task;
  if (code === 'COPIES_OF_OTHER_JOB') return <TakeOver jobId={jobId} />;
  if (workloadId === null) return null;
  if (code === 'SOURCE_CHAIN_RECREATED') return <Detach jobId={jobId} workloadId={workloadId} />;
  if (code !== null && code in MEANT)
    return <AcceptChanges jobId={jobId} workloadId={workloadId} meaning={MEANT[code] ?? ''} />;
  return null;
}

/** What is agreed to, by the code of what was found. */
const MEANT: Readonly<Partial<Record<ErrorCode, string>>> = {
  SOURCE_SUSPICIOUS:
    'Somebody has looked at the source, and what became of its files is what was meant: the next session takes it over. Files that are gone there go from the copy when its retention says so; files with other content are copied. If the source was wiped or encrypted, restore it from the copy instead.',
  TARGET_SUSPICIOUS:
    'Somebody has looked at the storage of the target, and all of it is mounted: the files that are not there are lost. The next session goes on without them: restore points that need them are no good. A health check copies those again that the source still has; let it run first.',
};

function AcceptChanges({
  jobId,
  workloadId,
  meaning,
}: {
  readonly jobId: string;
  readonly workloadId: string;
  readonly meaning: string;
}) {
  const overrides = { workloads: [workloadId], acceptChanges: true };
  const flags = `--workload ${shellWord(workloadId)} --accept-changes`;
  return (
    <StartAgain
      {...{ jobId, overrides, flags }}
      verb="This was meant"
      title="Go on with what was found"
      meaning={meaning}
    />
  );
}

function TakeOver({ jobId }: { readonly jobId: string }) {
  return (
    <StartAgain
      jobId={jobId}
      overrides={{ takeOver: true }}
      flags="--take-over"
      verb="Take them over"
      title="Go on with the copies of the other job"
      meaning="All copies that lie in the target under the id of this job become its own: it goes on with their chains, and its retention holds for them from then on; what it does not keep goes."
    />
  );
}

interface StartAgainProps {
  readonly jobId: string;
  readonly overrides: StartOverrides;
  /** The same on the command line. */
  readonly flags: string;
  readonly verb: string;
  readonly title: string;
  readonly meaning: string;
}

/** A session that goes by what was decided. */
function StartAgain({ jobId, overrides, flags, verb, title, meaning }: StartAgainProps) {
  const [, navigate] = useLocation();
  const path = `/jobs/${jobId}/start`;
  const start = useAction<{ sessionId: string }>({
    method: 'POST',
    path,
    body: overrides,
    isKeyed: true,
    done: `${jobId} has been started.`,
    then: ({ sessionId }) => navigate(`/sessions/${sessionId}`),
  });
  return (
    <Confirm
      verb={verb}
      title={title}
      action={start}
      commands={[
        `longhaul job start ${jobId} ${flags} --follow`,
        curlLine('POST', path, overrides),
      ]}
      onConfirm={() => start.mutate()}
    >
      <p className="definition">{meaning}</p>
    </Confirm>
  );
}
