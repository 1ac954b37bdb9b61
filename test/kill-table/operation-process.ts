import { join } from 'node:path';
import { openDirectoryRepository } from '../../src/repository/directory-repository.js';
import { InProcessMover } from '../support/mover/in-process-mover.js';
import { keep, NOW_MS, orderFor } from './scenarios.js';

/** A process that does one change of a chain in real folders, `primary` and `offsite` below the given one, to be killed at any time.
 *  Arguments: `copy` or `merge`, the folder, the owner of the chain. */
const [work = '', folder = '', owner = ''] = process.argv.slice(2);

const open = (id: string, readOnly: boolean) =>
  openDirectoryRepository({ id, rootPath: join(folder, id), readOnly });
const source = await open('primary', true);
const mover = new InProcessMover(source, await open('offsite', false));
const order = { ...(await orderFor(source)), owner };
if (work === 'copy') await mover.copy(order);
else await mover.maintain(order, keep(1), NOW_MS);
