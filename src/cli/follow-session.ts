/** Follows a session to its end: a bar on a terminal, lines in a pipe, one JSON object a line with `--json`. */

import { BackupError } from '../domain/errors.js';
import type { SessionView, TaskView } from '../api/sessions/session-schemas.js';
import type { CommandContext } from './command-context.js';
import { display, displayJson, type DisplayText } from './display-text.js';
import { EXIT_OF_RESULT, type ExitName } from './exit-codes.js';
import { print, printBar } from './print.js';
import {
  describeProgress,
  describeRetry,
  describeSession,
  describeTask,
  progressBar,
} from './session-display.js';

/** Seconds between two progress lines in a pipe. */
const LINE_INTERVAL_MS = 10_000;

export async function followSession(
  { terminal, server, isJson }: CommandContext,
  sessionId: string,
): Promise<ExitName> {
  const hasBar = terminal.isInteractive && !isJson;
  let lastLineMs = Number.NEGATIVE_INFINITY;
  const told = new Map<string, string>();
  const line = (text: DisplayText): void => print(terminal, text, { overBar: hasBar });
  /** Once for each state of what `key` names. */
  const tell = (key: string, text: DisplayText | null, state: readonly unknown[]): void => {
    const now = JSON.stringify(state);
    if (text !== null && told.get(key) !== now) line(text);
    told.set(key, now);
  };
  for await (const { event, data } of server.events(
    `/sessions/${encodeURIComponent(sessionId)}/events`,
  )) {
    if (isJson) print(terminal, displayJson({ event, data }, 0));
    if (event === 'end') {
      const session = data as SessionView;
      if (!isJson) line(describeSession(session));
      return EXIT_OF_RESULT[session.result ?? 'failed'];
    }
    if (isJson) continue;
    if (event === 'task') {
      const task = data as TaskView;
      tell(task.workloadId ?? task.workload, describeTask(task), [
        task.state,
        task.result,
        task.retry,
      ]);
    } else if (event === 'progress') {
      const { progress, retry } = data as SessionView;
      tell('', retry === null ? null : display`session: ${describeRetry(retry)}`, [retry]);
      if (hasBar) {
        printBar(terminal, progressBar(progress, terminal.columns));
      } else if (performance.now() - lastLineMs >= LINE_INTERVAL_MS) {
        lastLineMs = performance.now();
        line(display`${describeProgress(progress)}`);
      }
    }
  }
  throw new BackupError('SERVER_UNREACHABLE', 'the server closed the connection before the end', {
    hint: `The session goes on; follow it again with \`longhaul session follow ${sessionId}\`.`,
  });
}
