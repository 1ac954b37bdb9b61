import { Button } from '@mantine/core';
import { useState } from 'react';
import type { TaskState } from '../../../domain/sessions/copy-session.js';
import type { SessionView, TaskView } from '../../../api/sessions/session-schemas.js';
import { useNow } from '../../client/now.js';
import { useAllPages } from '../../client/queries.js';
import { CallFault, Fault, StorageFault } from '../../show/fault.js';
import { printable } from '../../../domain/printable.js';
import { bytes, counted, duration } from '../../show/format.js';
import { BOTTLENECK_WORDS } from '../../../domain/sessions/bottleneck.js';
import { shareWords } from '../../../domain/sessions/mover-times.js';
import { shortTime, timeInState } from '../../show/hold-up.js';
import { Instant } from '../../show/instant.js';
import { Nothing, Section } from '../../show/page.js';
import { ProgressBar } from '../../show/progress.js';
import { Rows, type Column } from '../../show/rows.js';
import { sentence } from '../../show/sentence.js';
import { State } from '../../show/state.js';
import { sayTask, TASK_WORDS } from '../../show/words.js';

const URGENCY = ['bad', 'unknown', 'attention', 'busy', 'quiet', 'good'];

/** Per workload: what it is at, and what it needs. Those that need somebody first. */
export function TaskList({ session }: { readonly session: SessionView }) {
  const [isWhole, setWhole] = useState(false);
  const all = useAllPages<TaskView>(`/sessions/${encodeURIComponent(session.id)}/tasks`, {
    everyMs: null,
    isWanted: isWhole,
  });
  const tasks = all.data?.items ?? session.tasks;
  const sorted = [...tasks].sort(
    (a, b) => urgencyOf(a) - urgencyOf(b) || a.workload.localeCompare(b.workload),
  );
  const { waiting } = session.taskCounts;
  const hasMore = session.omittedTasks > 0 || session.tasks.some(({ recorded }) => recorded);
  return (
    <Section
      title="Workloads"
      note={
        waiting > 0 ? `${counted(waiting, 'more waits', 'more wait')} for a free place` : undefined
      }
    >
      {sorted.length === 0 && (
        <Nothing>{NO_TASK_WORDS[session.state] ?? 'It is looking for workloads.'}</Nothing>
      )}
      {sorted.length > 0 && (
        <Rows
          label="Workloads of the session"
          columns={COLUMNS}
          rows={sorted}
          keyOf={keyOf}
          below={belowTask}
        />
      )}
      {all.error !== null && (
        <CallFault error={all.error} what="The whole list could not be read." />
      )}
      {hasMore && !isWhole && (
        <Button variant="default" size="sm" mt="sm" onClick={() => setWhole(true)}>
          Show all {session.omittedTasks > 0 ? `(${session.omittedTasks} more)` : 'in full'}
        </Button>
      )}
    </Section>
  );
}

function urgencyOf(task: TaskView): number {
  const isHeld = task.retry !== null || task.waits !== null;
  return URGENCY.indexOf(isHeld ? 'attention' : sayTask(task).mood);
}

function keyOf({ workload, workloadId }: TaskView): string {
  return workloadId ?? `\n${workload}`;
}

const COLUMNS: readonly Column<TaskView>[] = [
  { head: 'Workload', width: '1.2fr', cell: ({ workload }) => printable(workload) },
  { head: 'State', width: '1.4fr', cell: (task) => <State said={sayTask(task)} /> },
  { head: 'Progress', width: '2fr', cell: (task) => <TaskProgress task={task} /> },
  { head: 'Step', width: '2.6fr', cell: (task) => <Phases task={task} /> },
];

function TaskProgress({
  task: { progress, algorithm, workload, state, result },
}: {
  readonly task: TaskView;
}) {
  if (algorithm === 'none') return null;
  const { percent, processedBytes, totalBytes, bytesPerSecond, etaSeconds } = progress;
  const isMoving = state === 'copying' && bytesPerSecond > 0;
  return (
    <div>
      <ProgressBar
        percent={percent}
        label={`Progress of ${workload}`}
        mood={sayTask({ state, result }).mood}
      />
      <span className="small">
        {percent.toFixed(0)} % of {bytes(totalBytes || processedBytes)} ({algorithm})
        {isMoving && `, ${bytes(bytesPerSecond)}/s`}
        {isMoving && etaSeconds !== null && `, ${duration(etaSeconds * 1_000)} left`}
      </span>
    </div>
  );
}

const PHASES: readonly TaskState[] = [
  'inspecting',
  'planning',
  'copying',
  'composing',
  'committing',
  'retention',
];
const PHASE_NAMES: Readonly<Partial<Record<TaskState, string>>> = {
  inspecting: 'look',
  planning: 'plan',
  copying: 'copy',
  composing: 'compose',
  committing: 'commit',
  retention: 'retention',
};

/** Where a task is on its way, or was, and how long it took there. */
function Phases({ task }: { readonly task: TaskView }) {
  const nowMs = useNow();
  const { state, remainingPoints, bottleneck } = task;
  const at = PHASES.indexOf(state);
  const timeOf = (phase: TaskState) => shortTime(timeInState(task, phase, nowMs));
  const shown = at < 0 ? PHASES.filter((phase) => timeOf(phase) !== '') : PHASES;
  const waited = timeOf('waiting');
  const label =
    at < 0 ? 'Time in each step' : `Step ${at + 1} of ${PHASES.length}: ${TASK_WORDS[state]}`;
  return (
    <div>
      {shown.length > 0 && (
        <ol className="phases" aria-label={label}>
          {shown.map((phase, index) => (
            <li key={phase} data-mood={index === at ? 'busy' : index < at ? 'good' : 'none'}>
              {PHASE_NAMES[phase]} {timeOf(phase)}
            </li>
          ))}
        </ol>
      )}
      {waited !== '' && <div className="small">waited {waited}</div>}
      {state !== 'ended' && bottleneck !== null && (
        <div className="small">held up by {BOTTLENECK_WORDS[bottleneck]}</div>
      )}
      {remainingPoints > 0 && (
        <span className="small">then {counted(remainingPoints, 'more restore point')}</span>
      )}
    </div>
  );
}

const NO_TASK_WORDS: Readonly<Partial<Record<SessionView['state'], string>>> = {
  ended: 'It had no workload to copy.',
  waiting: 'It looks for workloads when it goes on.',
};

const FAULT_WORDS: Readonly<Partial<Record<TaskState, string>>> = {
  ended: 'It ended with this:',
  waiting: 'It waits:',
};

function belowTask(task: TaskView) {
  const { code, reason, resumedFromBytes, attempt, notes, committed, omitted, state } = task;
  const { retry, waits, waitsUntil } = task;
  const mood = sayTask(task).mood;
  const shares = shareWords(task.moverTimes);
  return (
    <div className="stack">
      {waits !== null && <StorageFault waits={waits} />}
      {retry !== null && (
        <Fault
          mood="attention"
          what={`It waits, and tries again (try ${retry.attempt}).`}
          reason={retry.reason}
          code={retry.code}
        >
          {retry.nextTryAt === null ? (
            <span>This try is under way.</span>
          ) : (
            <span>
              Next try <Instant at={retry.nextTryAt} />.
            </span>
          )}
        </Fault>
      )}
      {(code !== null || (reason !== null && mood !== 'good')) && (
        <Fault
          mood={mood === 'good' ? 'attention' : mood}
          what={FAULT_WORDS[state] ?? 'It goes on with this:'}
          reason={reason}
          code={code}
        >
          {waitsUntil !== null && (
            <span>
              It goes on <Instant at={waitsUntil} />.
            </span>
          )}
        </Fault>
      )}
      {shares !== '' && <span className="small">Its copying: {shares}.</span>}
      {(resumedFromBytes > 0 || attempt > 1) && (
        <span className="small">
          {resumedFromBytes > 0 &&
            `Taken up again at ${bytes(resumedFromBytes)} of its disk: what was copied before was not copied again. `}
          {attempt > 1 && `Attempt ${attempt}.`}
        </span>
      )}
      {(committed.length > 0 || notes.length > 0) && (
        <details className="commands">
          <summary>
            {counted(committed.length + (omitted?.committed ?? 0), 'restore point')} copied,{' '}
            {counted(notes.length + (omitted?.notes ?? 0), 'note')}
          </summary>
          <ul className="plain-list">
            {committed.map((point) => (
              <li key={point}>copied {printable(point)}</li>
            ))}
            {notes.map((note, index) => (
              <li key={index}>{sentence(printable(note))}</li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
