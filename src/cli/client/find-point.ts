/** One restore point of a repository. */

import type { RestorePointView } from '../../domain/targets/repository-view.js';
import { BackupError } from '../../domain/errors.js';
import type { CommandContext } from '../command-context.js';
import { describeUnreadable } from '../display/describe-unreadable.js';
import { printError } from '../display/print.js';

/** All points among which one is looked for; what could not be read is told, for the point, or what builds on it, may be in there.
 *  @throws RESTORE_POINT_MISSING */
export async function pointsWith(
  { server, terminal }: CommandContext,
  repositoryId: string,
  pointId: string,
): Promise<RestorePointView[]> {
  const path = `/repositories/${encodeURIComponent(repositoryId)}/restore-points`;
  const { items, unreadable } = await server.browse<RestorePointView>(path);
  if (unreadable.length > 0) printError(terminal, describeUnreadable(unreadable));
  if (items.some(({ id }) => id === pointId)) return items;
  const doubt = unreadable.length === 0 ? '' : ', as far as it can be read';
  throw new BackupError(
    'RESTORE_POINT_MISSING',
    `no restore point ${pointId} in ${repositoryId}${doubt}`,
    unreadable.length === 0
      ? {}
      : { hint: 'It may be in what cannot be read: see above, and repeat it then.' },
  );
}
