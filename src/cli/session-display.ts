/** Sessions and their progress as text. */

import type { CopyProgress, CopyTask } from '../domain/copy-session.js';
import type { SessionSummary, SessionView } from '../api/session-schemas.js';
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

export function describeSessions(sessions: readonly SessionSummary[]): DisplayText {
  if (sessions.length === 0) return display`No sessions.`;
  return formatTable(
    ['SESSION', 'TRIGGER', 'STATE', 'RESULT', 'STARTED', 'ENDED'],
    sessions.map(({ id, trigger, tryNumber, state, result, startedAt, endedAt }) => [
      id,
      describeTrigger({ trigger, tryNumber }),
      state,
      result ?? '-',
      formatInstant(startedAt),
      formatInstant(endedAt),
    ]),
  );
}

export function describeSession(session: SessionView): DisplayText {
  const fields: [string, string][] = [
    ['Session', session.id],
    ['Trigger', describeTrigger(session)],
    ['State', session.state],
    ['Result', session.result ?? '-'],
    ['Started', formatInstant(session.startedAt)],
    ['Ended', formatInstant(session.endedAt)],
    ['Progress', describeProgress(session.progress)],
  ];
  if (session.nextTryAt !== null) fields.push(['Next try', formatInstant(session.nextTryAt)]);
  if (session.reason !== null) fields.push(['Reason', session.reason]);
  if (!session.live) fields.push(['Note', 'no worker answers: progress and tasks are missing']);
  const text = formatFields(fields);
  return session.tasks.length === 0
    ? text
    : displayLines([text, display``, describeTasks(session.tasks)]);
}

function describeTrigger({
  trigger,
  tryNumber,
}: Pick<SessionSummary, 'trigger' | 'tryNumber'>): string {
  return tryNumber === 1 ? trigger : `${trigger}, try ${tryNumber}`;
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
export function describeTask(task: CopyTask): DisplayText {
  const { workload, state, result, algorithm, progress, code, reason } = task;
  const head = `${workload}: ${result ?? state}`;
  const work = algorithm === 'none' ? '' : ` (${algorithm}, ${describeProgress(progress)})`;
  const cause = [code, reason].filter((part) => part !== null).join(': ');
  return display`${head}${work}${cause === '' ? '' : `: ${cause}`}`;
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

function describeTasks(tasks: readonly CopyTask[]): DisplayText {
  return formatTable(
    ['WORKLOAD', 'STATE', 'RESULT', 'ALGORITHM', 'PROGRESS', 'REASON'],
    tasks.map(({ workload, state, result, algorithm, progress, code, reason }) => [
      workload,
      state,
      result ?? '-',
      algorithm,
      describeProgress(progress),
      [code, reason].filter((part) => part !== null).join(': '),
    ]),
  );
}
