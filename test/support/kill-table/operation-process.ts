import { join } from 'node:path';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { LocalSessions } from '../workflows/local-sessions.js';
import { NOW_MS } from './change-run.js';
import { jobOf } from './scenarios.js';

/** A process that does one session in real folders, `primary` and `offsite` below the given one, to be killed at any time.
 *  Arguments: `copy` or `merge`, the folder, the number of the session. */
const [work = '', folder = '', number = ''] = process.argv.slice(2);

const open = (id: string, readOnly: boolean) =>
  openDirectoryRepository({ id, rootPath: join(folder, id), readOnly });
const sessions = new LocalSessions([await open('primary', true), await open('offsite', false)]);
const job = work === 'copy' ? jobOf() : jobOf(1);
await sessions.copy(job, NOW_MS + Number(number) * 1_000);
