/** `longhaul job edit`: some fields of a job, with what that means for its copies before it is done. */

import type { Command } from 'commander';
import type { JobChanges } from '../../api/previews/job-change-routes.js';
import type { JobView } from '../../api/jobs/job-schemas.js';
import type { CommandContext } from '../command-context.js';
import { display, displayLines, formatTable, type DisplayText } from '../display/display-text.js';
import type { ExitName } from '../exit-codes.js';
import { editedDefinition, type EditFlags } from '../input/job-input.js';
import { describePlan, wholePlan } from './job-plan.js';
import { jobFlags } from '../input/job-flags.js';

interface EditChoices extends EditFlags {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

export function editCommand(job: Command): Command {
  return jobFlags(job.command('edit').argument('<job>'))
    .option('--description <text>')
    .option('--periodic', 'copy by its schedule')
    .option('--exclude-nothing', 'no exclusions any more')
    .option(
      '--gfs-off',
      'no weekly, monthly and yearly fulls any more; those there stay until the day of their flags',
    )
    .option('--release-gfs-fulls', 'fulls of tiers that are off may go at once')
    .option('--dry-run', 'only show what would change, and what a session would do then')
    .option('-y, --yes', 'also when copies may go, or are all made anew')
    .description('Change some fields of a job; what is not named stays.');
}

/** A change that may cost copies is shown with its plan and not made, unless it was said that it may. */
export async function editJob(
  context: CommandContext,
  id: string,
  flags: EditChoices,
): Promise<ExitName | void> {
  const { server } = context;
  const path = `/jobs/${encodeURIComponent(id)}`;
  const job = await server.request<JobView>('GET', path);
  const body = editedDefinition(job, flags);
  const preview = await server.request<JobChanges>('POST', `${path}/changes`, { body });
  const isLookWanted = flags.dryRun === true || (preview.needsLook && flags.yes !== true);
  if (isLookWanted) {
    const plan = await wholePlan(context, { method: 'POST', path: '/plans', body });
    const isRefused = flags.dryRun !== true;
    context.show({ ...preview, plan }, (columns) =>
      displayLines([
        describeChanges(preview, columns),
        describePlan(plan, columns),
        isRefused
          ? display`Nothing was changed. Copies may go, or are all made anew: repeat it with --yes.`
          : display`Nothing was changed.`,
      ]),
    );
    return isRefused ? 'conflict' : undefined;
  }
  if (preview.changes.length > 0) {
    // What was shown is what is changed: a job that somebody else has changed meanwhile is refused.
    const headers = { 'If-Match': String(preview.revision) };
    await server.request<JobView>('PUT', path, { body, headers });
  }
  context.show(preview, (columns) => describeChanges(preview, columns));
}

function describeChanges({ changes }: JobChanges, columns: number): DisplayText {
  if (changes.length === 0) return display`Nothing differs.`;
  return formatTable(
    ['FIELD', 'BEFORE', 'AFTER', 'WHAT IT MEANS'],
    changes.map(({ field, before, after, text }) => [
      field,
      JSON.stringify(before),
      JSON.stringify(after),
      text ?? '-',
    ]),
    { columns, cut: ['WHAT IT MEANS'] },
  );
}
