/** Follows a session to its end: a bar on a terminal, lines in a pipe, one JSON object a line with `--json`. */

import type { CopyTask } from '../domain/copy-session.js';
import { BackupError } from '../domain/errors.js';
import type { SessionView } from '../api/session-schemas.js';
import type { CommandContext } from './command-context.js';
import { display, displayJson, type DisplayText } from './display-text.js';
import { EXIT_OF_RESULT, type ExitName } from './exit-codes.js';
import { print, printBar } from './print.js';
import { describeProgress, describeSession, describeTask, progressBar } from './session-display.js';

/** Seconds between two progress lines in a pipe. */
const LINE_INTERVAL_MS = 10_000;

export async function followSession(
  { terminal, server, isJson }: CommandContext,
  sessionId: string,
): Promise<ExitName> {
  const hasBar = terminal.isInteractive && !isJson;
  let lastLineMs = Number.NEGATIVE_INFINITY;
  const taskStates = new Map<string, string>();
  const line = (text: DisplayText): void => print(terminal, text, { overBar: hasBar });
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
      const task = data as CopyTask;
      const state = `${task.state} ${task.result ?? ''}`;
      if (taskStates.get(task.workload) !== state) line(describeTask(task));
      taskStates.set(task.workload, state);
    } else if (event === 'progress') {
      const { progress } = data as SessionView;
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
