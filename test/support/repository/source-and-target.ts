import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';

/** Two repositories in one folder, which whoever asks for them removes again.
 *  @param more further folders in it */
export async function sourceAndTarget(
  name: string,
  more: readonly string[] = [],
): Promise<{
  readonly folder: string;
  readonly primary: BackupRepository;
  readonly offsite: BackupRepository;
}> {
  const folder = await mkdtemp(join(tmpdir(), `longhaul-${name}-`));
  for (const one of ['primary', 'offsite', ...more]) await mkdir(join(folder, one));
  const open = (id: string) =>
    openDirectoryRepository({ id, rootPath: join(folder, id), readOnly: false });
  return { folder, primary: await open('primary'), offsite: await open('offsite') };
}
