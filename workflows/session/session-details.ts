import { setCurrentDetails } from '@temporalio/workflow';
import { utcText } from '../../src/domain/schedules/calendar-date.js';
import {
  OUTSIDE_HOURS,
  type CopyTask,
  type SessionState,
} from '../../src/domain/sessions/copy-session.js';

interface SessionShown {
  readonly state: SessionState;
  readonly running: readonly CopyTask[];
  readonly ended: readonly CopyTask[];
  /** When the allowed hours begin; null: they hold. RFC 3339 UTC. */
  readonly closedUntil: string | null;
}

/** What the Temporal UI says of a session: a line for each task that runs, then those that have ended. */
export function showSession({ state, running, ended, closedUntil }: SessionShown): void {
  const lines = [
    ...(closedUntil === null
      ? []
      : [`${OUTSIDE_HOURS}, until ${utcText(Date.parse(closedUntil))}`]),
    ...running.map(({ workload }) => `- ${workload}: ${state}`),
    ...ended
      .slice(-MAX_DETAIL_LINES)
      .map(({ workload, result, reason }) => `- ${workload}: ${result ?? ''} ${reason ?? ''}`),
  ];
  setCurrentDetails(lines.slice(0, MAX_DETAIL_LINES).join('\n'));
}

/** The Temporal UI shows at most 20,000 bytes. */
const MAX_DETAIL_LINES = 50;
