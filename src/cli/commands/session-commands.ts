/** `longhaul session …`. */

import type { Act, CommandContext } from '../command-context.js';
import type { Command } from 'commander';
import type { SessionSummary, SessionView, TaskView } from '../../api/sessions/session-schemas.js';
import { describeUnreadable } from '../display/describe-unreadable.js';
import { display } from '../display/display-text.js';
import { followSession } from '../client/follow-session.js';
import { printError } from '../display/print.js';
import type { UnreadablePart } from '../../domain/targets/unreadable-part.js';
import type { Page } from '../client/server-client.js';
import {
  describeSession,
  describeSessions,
  describeWholeTasks,
} from '../display/session-display.js';

interface ListFlags {
  readonly job?: string;
  readonly state?: string;
  readonly result?: string;
  readonly from?: string;
  readonly to?: string;
  readonly all?: boolean;
}

export function addSessionCommands(program: Command, act: Act): void {
  const session = program.command('session').description('Copy sessions.');
  act(
    session
      .command('list')
      .option('--job <id>', 'only of this job')
      .option('--state <state>', 'running, waiting, paused, stopping or ended')
      .option('--result <result>', 'success, warning, failed, stopped, …')
      .option('--from <instant>', 'started at or after, as 2026-11-24T22:00:00Z')
      .option('--to <instant>', 'started before')
      .option('--all', 'sessions of all times, from the records on the targets too')
      .description('List the sessions, running ones first.'),
    listSessions,
  );
  act(
    session.command('show').argument('<session>').description('Show one session.'),
    async (context, id: string) => {
      const found = await context.server.request<SessionView>('GET', sessionPath(id));
      context.show(found, (columns) => describeSession(found, columns));
    },
  );
  act(
    session
      .command('tasks')
      .argument('<session>')
      .description('Show all tasks of a session, with every restore point and note.'),
    async (context, id: string) => {
      const { items: tasks, unreadable } = await context.server.browse<TaskView>(
        `${sessionPath(id)}/tasks`,
      );
      if (unreadable.length > 0) printError(context.terminal, describeUnreadable(unreadable));
      context.show(tasks, () => describeWholeTasks(tasks, Date.now()));
    },
  );
  act(
    session
      .command('follow')
      .argument('<session>')
      .description('Follow a session to its end; the exit code tells its result.'),
    (context, id: string) => followSession(context, id),
  );
  act(
    session
      .command('stop')
      .argument('<session>')
      .option('--reason <text>', 'stands in the record of the session, with who stopped it')
      .description('End a session; what it has copied stays.'),
    async (context, id: string, { reason }: { reason?: string }) => {
      const path = `${sessionPath(id)}/stop`;
      const body = { reason: reason ?? null };
      const changed = await context.server.request<SessionView>('POST', path, { body });
      context.show(changed, () => display`Session ${id} is ${changed.state}.`);
    },
  );
  addControlCommand(session, act, 'pause', 'Halt a session at its next durable position.');
  addControlCommand(session, act, 'resume', 'Let a paused session go on.');
}

async function listSessions(
  context: CommandContext,
  { job, state, result, from, to, all }: ListFlags,
): Promise<void> {
  const query = new URLSearchParams({
    ...(job === undefined ? {} : { jobId: job }),
    ...(state === undefined ? {} : { state }),
    ...(result === undefined ? {} : { result }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  });
  const path = `/sessions?${query.toString()}`;
  const page: SessionPage =
    all === true
      ? await context.server.browse<SessionSummary>(path)
      : await context.server.request<SessionPage>('GET', path);
  const { items: sessions, unreadable = [], nextCursor } = page;
  if (unreadable.length > 0) printError(context.terminal, describeUnreadable(unreadable));
  const isCut = nextCursor !== undefined;
  context.show(sessions, (columns) =>
    isCut && sessions.length === 0
      ? display`None of the sessions that were looked at first.`
      : describeSessions(sessions, columns),
  );
  if (isCut)
    printError(context.terminal, display`There may be more: \`--all\` looks at all of them.`);
}

interface SessionPage extends Page<SessionSummary> {
  readonly unreadable?: readonly UnreadablePart[];
}

function addControlCommand(
  session: Command,
  act: Act,
  verb: 'pause' | 'resume',
  text: string,
): void {
  act(
    session.command(verb).argument('<session>').description(text),
    async (context, id: string) => {
      const changed = await context.server.request<SessionView>(
        'POST',
        `${sessionPath(id)}/${verb}`,
      );
      context.show(changed, () => display`Session ${id} is ${changed.state}.`);
    },
  );
}

function sessionPath(id: string): string {
  return `/sessions/${encodeURIComponent(id)}`;
}
