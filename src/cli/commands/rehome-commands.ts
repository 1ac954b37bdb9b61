/** `longhaul job map` and `job detach`: copies that get another job, or none. */

import type { Command } from 'commander';
import { BackupError } from '../../domain/errors.js';
import { severalNamed } from '../../domain/jobs/source-scope.js';
import type { JobView } from '../../api/jobs/job-schemas.js';
import type { WorkloadSummary } from '../../domain/targets/repository-view.js';
import type { Act, CommandContext } from '../command-context.js';
import { describeUnreadable } from '../display/describe-unreadable.js';
import { display, displayLines, formatInstant } from '../display/display-text.js';
import type { ExitName } from '../exit-codes.js';
import { finishOperation, type OperationFlags } from '../client/follow-operation.js';
import { printError } from '../display/print.js';
import { beginOperation } from '../client/send-order.js';

interface RehomeFlags extends OperationFlags {
  readonly yes?: boolean;
}

export function addRehomeCommands(job: Command, act: Act): void {
  act(
    withFlags(
      job
        .command('map')
        .argument('<job>')
        .argument('<from>', 'job under which the copies lie in its target (`repository scan`)')
        .argument('<workload>', 'its id or name')
        .description('Let a job go on with copies that belong to no job of this server.'),
    ),
    map,
  );
  act(
    withFlags(
      job
        .command('detach')
        .argument('<job>')
        .argument('<workload>', 'its id or name')
        .description('Take the copies of a workload from a job; they stay until they are removed.'),
    ),
    detach,
  );
}

function withFlags(command: Command): Command {
  return command
    .option('-y, --yes', 'do it; without it, what it would mean is shown')
    .option('--no-wait', 'return at once with the operation id');
}

async function map(
  context: CommandContext,
  id: string,
  fromJobId: string,
  workload: string,
  flags: RehomeFlags,
): Promise<ExitName> {
  const end = `they are of job ${id} then: it goes on with increments, and its retention holds for them from its next session on`;
  if (flags.yes !== true) return show(context, id, { fromJobId, workload, end });
  return order(context, `${jobPath(id)}/map`, { fromJobId, workload }, flags);
}

async function detach(
  context: CommandContext,
  id: string,
  workload: string,
  flags: RehomeFlags,
): Promise<ExitName> {
  const end = `they stay until somebody removes them; the next session of ${id} makes a full copy`;
  if (flags.yes !== true) return show(context, id, { fromJobId: id, workload, end });
  return order(context, `${jobPath(id)}/detach`, { workload }, flags);
}

async function show(
  context: CommandContext,
  id: string,
  { fromJobId, workload, end }: { fromJobId: string; workload: string; end: string },
): Promise<ExitName> {
  const { server } = context;
  const { target } = await server.request<JobView>('GET', jobPath(id));
  const path = `/repositories/${encodeURIComponent(target.repositoryId)}/workloads`;
  const { items, unreadable } = await server.browse<WorkloadSummary>(path);
  if (unreadable.length > 0) printError(context.terminal, describeUnreadable(unreadable));
  const own = items.filter(({ jobId }) => jobId === fromJobId);
  const namesakes = own.filter(({ name }) => name === workload);
  const found = own.find((each) => each.id === workload) ?? namesakes[0];
  if (found?.id !== workload && namesakes.length > 1)
    throw new BackupError('REQUEST_INVALID', severalNamed(workload, namesakes));
  if (found === undefined)
    throw new BackupError(
      'WORKLOAD_MISSING',
      `job ${fromJobId} keeps no copies of ${workload} in ${target.repositoryId}`,
    );
  context.show(found, () =>
    displayLines([
      display`${found.name} (${found.id}): ${found.restorePointCount} restore points of ${fromJobId}, the newest of ${formatInstant(found.newestAt)}; ${end}`,
      display`Nothing was changed: repeat it with --yes.`,
    ]),
  );
  return 'conflict';
}

async function order(
  context: CommandContext,
  path: string,
  body: object,
  flags: RehomeFlags,
): Promise<ExitName> {
  return finishOperation(context, await beginOperation(context, path, body), flags);
}

function jobPath(id: string): string {
  return `/jobs/${encodeURIComponent(id)}`;
}
