/** `longhaul events`: what happens at the site, one line for each event, until it is interrupted. */

import type { Command } from 'commander';
import { BackupError } from '../../domain/errors.js';
import type { SiteEventView } from '../../api/events/event-schemas.js';
import type { Act, CommandContext } from '../command-context.js';
import { display, displayJson, formatInstant, type DisplayText } from '../display/display-text.js';
import { print } from '../display/print.js';

/** A server that closes at once whatever it is asked would be asked without end. */
const SHORTEST_MS = 5_000;

export function addEventsCommand(program: Command, act: Act): void {
  act(
    program
      .command('events')
      .option('--since <id>', 'first what came after this event')
      .description('Follow what happens at the site: sessions, jobs and problems.'),
    async (context, { since }: { since?: string }) => follow(context, since ?? null),
  );
}

/** The server closes each connection after a while; it is taken up again. @throws what the server answers then */
async function follow({ terminal, server, isJson }: CommandContext, since: string | null) {
  let lastId = since;
  for (let isWorthwhile = true; isWorthwhile;) {
    const beganMs = performance.now();
    isWorthwhile = false;
    try {
      const query = lastId === null ? '' : `?since=${encodeURIComponent(lastId)}`;
      for await (const { id, event, data } of server.events(`/events${query}`)) {
        lastId = id ?? lastId;
        isWorthwhile = true;
        if (event === null) continue;
        const text = isJson
          ? displayJson({ id, event, data }, 0)
          : describeEvent(data as SiteEventView);
        print(terminal, text);
      }
    } catch (error) {
      if (!(error instanceof BackupError) || lastId === null) throw error;
      throw goneOn(error, lastId);
    }
    isWorthwhile ||= performance.now() - beganMs >= SHORTEST_MS;
  }
  throw goneOn(new BackupError('SERVER_UNREACHABLE', 'the server closed the connection'), lastId);
}

function goneOn(error: BackupError, lastId: string | null): BackupError {
  if (lastId === null) return error;
  const hint = `${error.hint} What was missed follows with \`longhaul events --since ${lastId}\`, while the server remembers it.`;
  return new BackupError(error.code, error.message, { hint, cause: error });
}

function describeEvent(view: SiteEventView): DisplayText {
  return display`${formatInstant(view.at)}  ${wordsOf(view)}`;
}

const RESET_REASONS = {
  begun: 'events follow from here',
  unknownId: 'the server does not know that id',
  forgotten: 'more happened than the server remembers',
  missed: 'more happened at once than the server reads',
};

function wordsOf(view: SiteEventView): string {
  switch (view.type) {
    case 'reset':
      return `look at everything again: ${RESET_REASONS[view.reason]}`;
    case 'sessionBegan':
      return `session ${view.session.id} began (${view.session.trigger})`;
    case 'sessionChanged':
      return `session ${view.session.id} is ${view.session.state}`;
    case 'sessionEnded':
      return `session ${view.session.id} ended: ${view.session.result ?? 'not known'}`;
    case 'jobMade':
      return `job ${view.job.id} was made: ${view.job.name}`;
    case 'jobChanged':
      return `job ${view.job.id} was changed (revision ${view.job.revision})`;
    case 'jobEnabled':
      return `job ${view.job.id} is enabled`;
    case 'jobDisabled':
      return `job ${view.job.id} is disabled`;
    case 'jobRemoved':
      return `job ${view.job.id} was removed`;
    case 'problemBegan':
      return `${view.problem.severity}: ${view.problem.text} (${view.problem.code})`;
    case 'problemChanged':
      return `${view.problem.severity}, now: ${view.problem.text} (${view.problem.code})`;
    case 'problemEnded':
      return `well again: ${view.problem.text} (${view.problem.code})`;
    case 'lookFailed':
      return `the server cannot look: ${view.detail}`;
    case 'lookSucceeded':
      return 'the server can look again';
    default:
      return `something that this command does not know: ${JSON.stringify(view satisfies never)}`;
  }
}
