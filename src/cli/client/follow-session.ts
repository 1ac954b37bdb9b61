/** Follows a session to its end: a bar on a terminal, lines in a pipe, one JSON object a line with `--json`. */

import { setTimeout as wait } from 'node:timers/promises';
import { BackupError } from '../../domain/errors.js';
import type { SessionView, TaskView } from '../../api/sessions/session-schemas.js';
import type { CommandContext } from '../command-context.js';
import { display, displayJson, type DisplayText } from '../display/display-text.js';
import { tableColumns } from '../display/terminal.js';
import { EXIT_OF_RESULT, type ExitName } from '../exit-codes.js';
import { mayPass, ServerSilence, withWayBack } from './patience.js';
import { print, printBar, printError } from '../display/print.js';
import {
  describeProgress,
  describeWaits,
  describeSession,
  describeTask,
  progressBar,
} from '../display/session-display.js';

/** Seconds between two progress lines in a pipe. */
const LINE_INTERVAL_MS = 10_000;

/** A server that closes at once whatever it is asked would be asked without end. */
const SHORTEST_MS = 5_000;
const CLOSED_AT_ONCE = 'the server closes the connection at once, each time';
const PAUSE_MS = 1_000;

/** The server closes each connection after a while; it is taken up again, and tells all of the session anew. */
export async function followSession(context: CommandContext, sessionId: string): Promise<ExitName> {
  const { server, terminal } = context;
  // Whoever ends this by hand would otherwise not know what goes on.
  if (!context.isJson)
    printError(terminal, display`Following ${sessionId}; it goes on without this command.`);
  const shown = new FollowedSession(context);
  return untilSessionEnds(sessionId, {
    async connect(hasTold) {
      for await (const { event, data } of server.events(
        `/sessions/${encodeURIComponent(sessionId)}/events`,
      )) {
        hasTold();
        const end = event === null ? null : shown.take(event, data);
        if (end !== null) return end;
      }
      return null;
    },
    pause: () => wait(PAUSE_MS),
    nowMs: () => performance.now(),
  });
}

interface Following {
  /** Shows what the server tells until it closes the connection, and says so with each piece; null: that was not the end. */
  readonly connect: (hasTold: () => void) => Promise<ExitName | null>;
  readonly pause: () => Promise<unknown>;
  /** Of any clock. */
  readonly nowMs: () => number;
}

/** A server that does not answer for a while, or is started anew, has lost nothing, and is asked again.
 *  @throws what it says, or that it stays silent, with how the session is found again */
export async function untilSessionEnds(
  sessionId: string,
  { connect, pause, nowMs }: Following,
): Promise<ExitName> {
  const way = `The session goes on; follow it again with \`longhaul session follow ${sessionId}\`.`;
  const silence = new ServerSilence(nowMs);
  for (; ; await pause()) {
    const askedMs = nowMs();
    let hasTold = false;
    let failure: unknown = new BackupError('SERVER_UNREACHABLE', CLOSED_AT_ONCE);
    try {
      const end = await connect(() => (hasTold = true));
      if (end !== null) return end;
    } catch (error) {
      if (!mayPass(error)) throw withWayBack(error, way);
      failure = error;
    }
    // A server that tells something and closes at once tells it anew each time, and nothing more.
    if (hasTold && nowMs() - askedMs >= SHORTEST_MS) silence.end();
    else if (silence.isTooLong(askedMs)) throw withWayBack(failure, way);
  }
}

/** What of a session was shown so far. */
class FollowedSession {
  readonly #context: CommandContext;
  readonly #hasBar: boolean;
  #lastLineMs = Number.NEGATIVE_INFINITY;
  readonly #told = new Map<string, string>();

  constructor(context: CommandContext) {
    this.#context = context;
    this.#hasBar = context.terminal.isInteractive && !context.isJson;
  }

  /** @returns null: it goes on */
  take(event: string, data: unknown): ExitName | null {
    const { terminal, isJson } = this.#context;
    if (isJson) print(terminal, displayJson({ event, data }, 0));
    if (event === 'end') {
      const session = data as SessionView;
      if (!isJson) this.#line(describeSession(session, tableColumns(terminal)));
      return EXIT_OF_RESULT[session.result ?? 'failed'];
    }
    if (isJson) return null;
    if (event === 'task') {
      const task = data as TaskView;
      this.#tell(task.workloadId ?? task.workload, describeTask(task), [
        task.state,
        task.result,
        task.retry,
        silentIn(task),
      ]);
    } else if (event === 'progress') this.#progress(data as SessionView);
    return null;
  }

  #progress(session: SessionView): void {
    const { terminal } = this.#context;
    const { progress, retry } = session;
    const waits = describeWaits(session);
    const state = [retry, silentIn(session)];
    this.#tell('', waits === '' ? null : display`session: ${waits}`, state);
    if (this.#hasBar) {
      printBar(terminal, progressBar(progress, terminal.columns));
    } else if (performance.now() - this.#lastLineMs >= LINE_INTERVAL_MS) {
      this.#lastLineMs = performance.now();
      this.#line(display`${describeProgress(progress)}`);
    }
  }

  #line(text: DisplayText): void {
    print(this.#context.terminal, text, { overBar: this.#hasBar });
  }

  /** Once for each state of what `key` names. */
  #tell(key: string, text: DisplayText | null, state: readonly unknown[]): void {
    const now = JSON.stringify(state);
    if (text !== null && this.#told.get(key) !== now) this.#line(text);
    this.#told.set(key, now);
  }
}

/** It waits for the same for longer: that is no news. */
function silentIn({ waits }: Pick<SessionView, 'waits'>): string | null {
  return waits && `${waits.repositoryId} ${waits.step}`;
}
