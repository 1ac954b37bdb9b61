/** `longhaul restore-point remove`: takes a copy out of its chain. */

import type { Command } from 'commander';
import type { RestorePointView } from '../../domain/targets/repository-view.js';
import type { CommandContext } from '../command-context.js';
import { display, displayLines } from '../display/display-text.js';
import type { ExitName } from '../exit-codes.js';
import { pointsWith } from '../client/find-point.js';
import { finishOperation, type OperationFlags } from '../client/follow-operation.js';
import { beginOperation } from '../client/send-order.js';

interface RemoveFlags extends OperationFlags {
  readonly setAside?: boolean;
  readonly withDependents?: boolean;
  readonly yes?: boolean;
}

export function removeCommand(points: Command): Command {
  return points
    .command('remove')
    .argument('<repository>')
    .argument('<point>')
    .option('--set-aside', 'only from the list: its files go into the quarantine of its chain')
    .option('--with-dependents', 'also what builds on it')
    .option('-y, --yes', 'do it; without it, what would go is shown')
    .option('--no-wait', 'return at once with the operation id')
    .description('Take a copy out of its chain. Its source point is not copied again.');
}

export async function removePoint(
  context: CommandContext,
  repositoryId: string,
  pointId: string,
  flags: RemoveFlags,
): Promise<ExitName> {
  const path = `/repositories/${encodeURIComponent(repositoryId)}/restore-points`;
  const mode = flags.setAside === true ? 'setAside' : 'delete';
  const withDependents = flags.withDependents === true;
  if (flags.yes !== true) {
    const ids = withDependentsOf(await pointsWith(context, repositoryId, pointId), pointId);
    context.show({ mode, restorePoints: ids }, () =>
      displayLines([
        ...ids.map((id) => display`${id}${id === pointId ? '' : ' (builds on it)'}`),
        display`Nothing was removed: repeat it with --yes${ids.length > 1 && !withDependents ? ' --with-dependents' : ''}.`,
      ]),
    );
    return 'conflict';
  }
  const body = { mode, withDependents };
  const started = await beginOperation(
    context,
    `${path}/${encodeURIComponent(pointId)}/remove`,
    body,
  );
  return finishOperation(context, started, flags);
}

/** Itself first. */
function withDependentsOf(points: readonly RestorePointView[], pointId: string): string[] {
  const going = new Set(points.filter(({ id }) => id === pointId).map(({ id }) => id));
  for (let count = -1; count < going.size;) {
    count = going.size;
    for (const { id, parentId } of points)
      if (parentId !== null && going.has(parentId)) going.add(id);
  }
  return [...going];
}
