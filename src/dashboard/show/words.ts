/** The words of states and results, and how good they are. The same words stand in the command line. */

import { printable } from '../../domain/printable.js';
import type {
  SessionResult,
  SessionTrigger,
  TaskState,
} from '../../domain/sessions/copy-session.js';
import type { SessionSummary } from '../../api/sessions/session-schemas.js';

/** Never colour alone: each mood has its icon, and stands beside a word. */
export type Mood = 'good' | 'attention' | 'bad' | 'unknown' | 'busy' | 'quiet';

export interface Said {
  readonly mood: Mood;
  readonly word: string;
}

const RESULTS: Readonly<Record<SessionResult, Said>> = {
  success: { mood: 'good', word: 'success' },
  nothingToCopy: { mood: 'good', word: 'nothing to copy' },
  warning: { mood: 'attention', word: 'warning' },
  stopped: { mood: 'attention', word: 'stopped' },
  failed: { mood: 'bad', word: 'failed' },
  actionRequired: { mood: 'bad', word: 'needs a decision' },
};

export function sayResult(result: string | null): Said {
  return RESULTS[result as SessionResult] ?? { mood: 'unknown', word: result ?? 'unknown' };
}

/** Of a session: what it does, or how it ended. */
export function saySession({ state, result }: Pick<SessionSummary, 'state' | 'result'>): Said {
  switch (state) {
    case 'running':
      return { mood: 'busy', word: 'running' };
    case 'waiting':
      return { mood: 'quiet', word: 'waiting' };
    case 'paused':
      return { mood: 'attention', word: 'paused' };
    case 'stopping':
      return { mood: 'attention', word: 'stopping' };
    case 'ended':
      return sayResult(result);
  }
}

export function sayTask({
  state,
  result,
}: {
  state: TaskState;
  result: SessionResult | null;
}): Said {
  if (state === 'ended') return sayResult(result);
  if (state === 'paused') return { mood: 'attention', word: 'paused' };
  return { mood: state === 'waiting' ? 'quiet' : 'busy', word: TASK_WORDS[state] };
}

export const TASK_WORDS: Readonly<Record<TaskState, string>> = {
  waiting: 'waiting',
  inspecting: 'looking',
  planning: 'planning',
  copying: 'copying',
  composing: 'composing',
  committing: 'committing',
  retention: 'retention',
  paused: 'paused',
  ended: 'ended',
};

const JOB_STATES: Readonly<Record<string, Said>> = {
  enabled: { mood: 'good', word: 'enabled' },
  disabled: { mood: 'attention', word: 'disabled' },
  actionRequired: { mood: 'bad', word: 'needs a decision' },
};

export function sayJobState(state: string): Said {
  return JOB_STATES[state] ?? { mood: 'unknown', word: 'unknown' };
}

/** Of a restore point: what is known of its content. */
export function sayHealth(health: string): Said {
  if (health === 'good') return { mood: 'good', word: 'good' };
  if (health === 'corrupt') return { mood: 'bad', word: 'corrupt' };
  return { mood: 'unknown', word: 'unknown' };
}

/** Why a session began. */
export function sayTrigger({
  trigger,
  startedBy,
  tryNumber,
}: {
  trigger: SessionTrigger;
  startedBy: string | null;
  tryNumber: number;
}): string {
  const word = `${TRIGGERS[trigger]}${startedBy === null ? '' : ` (${printable(startedBy)})`}`;
  return tryNumber === 1 ? word : `${word}, try ${tryNumber}`;
}

const TRIGGERS: Readonly<Record<SessionTrigger, string>> = {
  api: 'started by hand',
  schedule: 'by its schedule',
  watch: 'because something new was there',
  afterJob: 'after another job',
  retry: 'retry of what failed',
};
