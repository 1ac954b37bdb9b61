/** `longhaul session …`. */

import type { Act } from './command-context.js';
import type { Command } from 'commander';
import type { SessionSummary, SessionView, TaskView } from '../api/session-schemas.js';
import { describeUnreadable } from './describe-unreadable.js';
import { display } from './display-text.js';
import { followSession } from './follow-session.js';
import { printError } from './print.js';
import type { Page } from './server-client.js';
import { describeSession, describeSessions, describeWholeTasks } from './session-display.js';

interface ListFlags {
  readonly job?: string;
  readonly state?: string;
  readonly all?: boolean;
}

export function addSessionCommands(program: Command, act: Act): void {
  const session = program.command('session').description('Copy sessions.');
  act(
    session
      .command('list')
      .option('--job <id>', 'only of this job')
      .option('--state <state>', 'running, paused, stopping or ended')
      .option('--all', 'every session that is still known, not only the newest 100')
      .description('List the sessions, running ones first.'),
    async (context, { job, state, all }: ListFlags) => {
      const query = new URLSearchParams({
        ...(job === undefined ? {} : { jobId: job }),
        ...(state === undefined ? {} : { state }),
      });
      const path = `/sessions?${query.toString()}`;
      const sessions =
        all === true
          ? await context.server.all<SessionSummary>(path)
          : (await context.server.request<Page<SessionSummary>>('GET', path)).items;
      context.show(sessions, () => describeSessions(sessions));
    },
  );
  act(
    session.command('show').argument('<session>').description('Show one session.'),
    async (context, id: string) => {
      const found = await context.server.request<SessionView>('GET', sessionPath(id));
      context.show(found, () => describeSession(found));
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
      context.show(tasks, () => describeWholeTasks(tasks));
    },
  );
  act(
    session
      .command('follow')
      .argument('<session>')
      .description('Follow a session to its end; the exit code tells its result.'),
    (context, id: string) => followSession(context, id),
  );
  addControlCommand(session, act, 'stop', 'End a session; what it has copied stays.');
  addControlCommand(session, act, 'pause', 'Halt a session at its next durable position.');
  addControlCommand(session, act, 'resume', 'Let a paused session go on.');
}

function addControlCommand(
  session: Command,
  act: Act,
  verb: 'stop' | 'pause' | 'resume',
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
