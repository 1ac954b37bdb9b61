/** How sessions are looked for by their result: what the API is asked, so that those of later pages count. Pure. */

import type { SessionResult, SessionState } from '../../../domain/sessions/copy-session.js';
import { sayResult, saySession } from '../../show/words.js';

const RESULTS: readonly SessionResult[] = [
  'failed',
  'actionRequired',
  'warning',
  'stopped',
  'success',
  'nothingToCopy',
];
const STATES: readonly SessionState[] = ['running', 'waiting', 'paused', 'stopping'];

export const SESSION_CHOICES: readonly { readonly value: string; readonly label: string }[] = [
  ...RESULTS.map((value) => ({ value, label: sayResult(value).word })),
  ...STATES.map((value) => ({ value, label: saySession({ state: value, result: null }).word })),
];

/** @param wanted a choice; anything else is no filter */
export function sessionFilter(wanted: string): { result?: string; state?: string } {
  if ((RESULTS as readonly string[]).includes(wanted)) return { result: wanted };
  return (STATES as readonly string[]).includes(wanted) ? { state: wanted } : {};
}

/** The same on the command line. */
export function sessionListCommand(jobId: string, wanted: string): string {
  const flags = Object.entries({ job: jobId, ...sessionFilter(wanted) });
  return [
    'longhaul session list',
    ...flags.filter(([, value]) => value !== '').map(([name, value]) => `--${name} ${value}`),
    '--all',
  ].join(' ');
}
