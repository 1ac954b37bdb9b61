/** Sessions and their progress as text. */

import type { CopyProgress, TaskCounts } from '../../domain/sessions/copy-session.js';
import type { StepRetry } from '../../domain/sessions/operation.js';
import type { StorageHold } from '../../domain/sessions/storage-wait.js';
import type { SessionSummary, SessionView, TaskView } from '../../api/sessions/session-schemas.js';
import { describeBottleneck, describePhases, describeResumed } from './hold-up-display.js';
import {
  formatBytes,
  formatDuration,
  formatFields,
  formatInstant,
  formatTable,
  display,
  displayLines,
  type DisplayText,
} from './display-text.js';

export function describeSessions(
  sessions: readonly SessionSummary[],
  columns: number,
): DisplayText {
  if (sessions.length === 0) return display`No sessions.`;
  return formatTable(
    ['SESSION', 'TRIGGER', 'STATE', 'RESULT', 'STARTED', 'ENDED'],
    sessions.map(({ id, trigger, startedBy, tryNumber, state, result, startedAt, endedAt }) => [
      id,
      describeTrigger({ trigger, startedBy, tryNumber }),
      state,
      result ?? '-',
      formatInstant(startedAt),
      formatInstant(endedAt),
    ]),
    { columns, cut: ['TRIGGER'] },
  );
}

export function describeSession(session: SessionView, columns: number): DisplayText {
  const fields: [string, string][] = [
    ['Session', session.id],
    ['Trigger', describeTrigger(session)],
    ['State', session.state],
    ['Result', session.result ?? '-'],
    ['Started', formatInstant(session.startedAt)],
    ['Ended', formatInstant(session.endedAt)],
    ['Progress', describeProgress(session.progress)],
  ];
  const { transferredBytes, reusedBytes, storedBytes } = session.progress;
  if (reusedBytes > 0)
    fields.push([
      'New in the target',
      `${formatBytes(transferredBytes)}; ${formatBytes(reusedBytes)} were there already, ${formatBytes(storedBytes)} written`,
    ]);
  const heldUpBy = describeBottleneck(session.bottleneck);
  if (heldUpBy !== '') fields.push(['Held up by', heldUpBy]);
  if (session.nextTryAt !== null) fields.push(['Next try', formatInstant(session.nextTryAt)]);
  const counts = describeCounts(session.taskCounts);
  if (counts !== '') fields.push(['Tasks', counts]);
  if (session.reason !== null) fields.push(['Reason', session.reason]);
  if (session.waitsUntil !== null) fields.push(['Goes on', formatInstant(session.waitsUntil)]);
  const waits = describeWaits(session);
  if (waits !== '') fields.push(['Waits', waits]);
  if (!session.live)
    fields.push(['Note', 'no worker answers: progress and tasks are as they were last known']);
  const parts = [formatFields(fields)];
  if (session.tasks.length > 0) parts.push(display``, describeTasks(session.tasks, columns));
  const more = describeMore(session);
  if (more !== '')
    parts.push(display``, display`${more} of each task: longhaul session tasks ${session.id}`);
  return displayLines(parts);
}

/** What this leaves out; empty: nothing. */
function describeMore({ omittedTasks, tasks }: SessionView): string {
  if (omittedTasks > 0) return `${omittedTasks} more tasks, and all`;
  if (tasks.some(({ recorded }) => recorded)) return 'All';
  return tasks.some(({ notes }) => notes.length > 0) ? 'Notes' : '';
}

/** `12 success, 3 running`; empty when there is none. */
function describeCounts(counts: TaskCounts): string {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
}

/** What is tried again, why, and when. */
export function describeRetry({ attempt, code, reason, nextTryAt }: StepRetry): string {
  const when = nextTryAt === null ? 'under way' : `at ${formatInstant(nextTryAt)}`;
  const cause = [code, reason].filter((part) => part !== null).join(': ');
  return `try ${attempt} ${when}, because the last one failed: ${cause}`;
}

/** Storage that does not answer, and for how long, as its worker told last. */
export function describeHold({ code, reason }: StorageHold): string {
  return `${code}: ${reason}`;
}

/** What nothing goes on for; empty: nothing. */
export function describeWaits({ retry, waits }: Pick<TaskView, 'retry' | 'waits'>): string {
  return [
    ...(waits === null ? [] : [describeHold(waits)]),
    ...(retry === null ? [] : [describeRetry(retry)]),
  ].join('; ');
}

/** Tasks with all that they tell. */
export function describeWholeTasks(tasks: readonly TaskView[], nowMs: number): DisplayText {
  if (tasks.length === 0) return display`No tasks.`;
  return displayLines(
    tasks.flatMap((task) => [
      describeTask(task),
      ...timesOf(task, nowMs),
      ...task.committed.map((point) => display`  copied ${point}`),
      ...task.notes.map((note) => display`  ${note}`),
      ...(task.omitted === null ? [] : [describeOmitted(task.omitted)]),
    ]),
  );
}

function timesOf(task: TaskView, nowMs: number): DisplayText[] {
  return [describePhases(task, nowMs), describeResumed(task)]
    .filter((text) => text !== '')
    .map((text) => display`  ${text}`);
}

function describeOmitted({ committed, notes }: NonNullable<TaskView['omitted']>): DisplayText {
  return display`  ${committed} restore points and ${notes} notes more`;
}

function describeTrigger({
  trigger,
  startedBy,
  tryNumber,
}: Pick<SessionSummary, 'trigger' | 'startedBy' | 'tryNumber'>): string {
  const by = startedBy === null ? '' : ` (${startedBy})`;
  return tryNumber === 1 ? `${trigger}${by}` : `${trigger}${by}, try ${tryNumber}`;
}

/** One line: how far, how much, how fast, how long. */
export function describeProgress(progress: CopyProgress): string {
  const { percent, processedBytes, totalBytes, bytesPerSecond, etaSeconds } = progress;
  const parts = [
    `${percent.toFixed(1)} %`,
    `${formatBytes(processedBytes)} of ${formatBytes(totalBytes)}`,
  ];
  if (bytesPerSecond > 0) parts.push(`${formatBytes(bytesPerSecond)}/s`);
  if (etaSeconds !== null) parts.push(`${formatDuration(etaSeconds)} left`);
  return parts.join(', ');
}

/** One line of a task, for logs and pipes. */
export function describeTask(task: TaskView): DisplayText {
  const { workload, state, result, algorithm, progress, remainingPoints } = task;
  const head = `${workload}: ${result ?? state}`;
  const later = remainingPoints === 0 ? '' : `, ${remainingPoints} more restore points`;
  const work = algorithm === 'none' ? '' : ` (${algorithm}, ${describeProgress(progress)}${later})`;
  const cause = describeCause(task);
  const waits = describeWaits(task);
  return display`${head}${work}${cause === '' ? '' : `: ${cause}`}${waits === '' ? '' : `; ${waits}`}`;
}

/** Why it ended so, or waits, and until when. */
function describeCause({
  code,
  reason,
  waitsUntil,
}: Pick<TaskView, 'code' | 'reason' | 'waitsUntil'>): string {
  const cause = [code, reason].filter((part) => part !== null).join(': ');
  return waitsUntil === null ? cause : `${cause}; goes on at ${formatInstant(waitsUntil)}`;
}

/** `[#####.....] 50.0 %, …` within the width of the terminal. */
export function progressBar(progress: CopyProgress, columns: number): DisplayText {
  const text = describeProgress(progress);
  const room = Math.min(MAX_BAR_COLUMNS, columns - text.length - 4);
  if (room < MIN_BAR_COLUMNS) return display`${text.slice(0, columns)}`;
  const done = Math.round((room * Math.min(100, Math.max(0, progress.percent))) / 100);
  return display`[${'#'.repeat(done)}${'.'.repeat(room - done)}] ${text}`;
}

const MAX_BAR_COLUMNS = 40;
const MIN_BAR_COLUMNS = 10;

function describeTasks(tasks: readonly TaskView[], columns: number): DisplayText {
  const table = formatTable(
    ['WORKLOAD', 'STATE', 'RESULT', 'ALGORITHM', 'PROGRESS', 'HELD UP BY'],
    tasks.map((task) => [
      task.workload,
      task.state,
      task.result ?? '-',
      task.algorithm,
      describeProgress(task.progress),
      describeBottleneck(task.bottleneck),
    ]),
    { columns, cut: ['HELD UP BY'] },
  );
  // Below it: a cause is as long as all the rest.
  const causes = tasks.flatMap(({ workload, ...task }) => {
    const waits = describeWaits(task);
    const cause = waits === '' ? describeCause(task) : waits;
    return cause === '' ? [] : [display`${workload}: ${cause}`];
  });
  return displayLines(causes.length === 0 ? [table] : [table, display``, ...causes]);
}
