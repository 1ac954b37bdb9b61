/** Exit codes of the `longhaul` command. Scripts rely on them: a number never changes its meaning (docs/OPERATIONS.md, Exit codes). */

import type { SessionResult } from '../domain/sessions/copy-session.js';
import type { ErrorKind } from '../domain/error-entry.js';

export const EXIT_CODES = {
  success: { code: 0, meaning: 'Done.' },
  bug: { code: 1, meaning: 'A bug, or a server error that has no code; `safe`: not all is well.' },
  /** What monitors expect of a check that has an answer. */
  unsafe: { code: 1, meaning: null },
  invalid: { code: 2, meaning: 'Wrong usage, or a request that breaks a rule.' },
  notFound: { code: 3, meaning: 'No such job, session, repository or restore point.' },
  conflict: { code: 4, meaning: 'The state does not allow it, or someone else was faster.' },
  unavailable: {
    code: 5,
    meaning:
      'A server or a repository does not answer, or is full; or the output cannot be written.',
  },
  failed: { code: 6, meaning: 'The session or operation that was followed failed or was stopped.' },
  actionRequired: {
    code: 7,
    meaning: 'The session that was followed needs a decision: see its reason.',
  },
  warning: { code: 8, meaning: 'The session or operation that was followed ended with a warning.' },
} as const;

export type ExitName = keyof typeof EXIT_CODES;

export const EXIT_OF_KIND: Readonly<Record<ErrorKind, ExitName>> = {
  invalid: 'invalid',
  not_found: 'notFound',
  conflict: 'conflict',
  unavailable: 'unavailable',
  exhausted: 'unavailable',
  corrupt: 'failed',
  unsupported: 'invalid',
};

export const EXIT_OF_RESULT: Readonly<Record<SessionResult, ExitName>> = {
  success: 'success',
  nothingToCopy: 'success',
  warning: 'warning',
  failed: 'failed',
  stopped: 'failed',
  actionRequired: 'actionRequired',
};

/** The table of docs/OPERATIONS.md, Exit codes, as Markdown. */
export function renderExitCodeTable(): string {
  const rows = Object.values(EXIT_CODES).flatMap(({ code, meaning }) =>
    meaning === null ? [] : [`| ${code} | ${meaning} |`],
  );
  return ['| Exit code | Meaning |', '| --- | --- |', ...rows].join('\n');
}
