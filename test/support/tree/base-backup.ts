import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const LABEL = `START WAL LOCATION: 0/2000028 (file 000000010000000000000002)
CHECKPOINT LOCATION: 0/2000060
BACKUP METHOD: streamed
BACKUP FROM: primary
START TIME: 2026-11-28 20:00:00 UTC
LABEL: nightly
START TIMELINE: 1
`;

/** A base backup of PostgreSQL without a manifest: nothing but time says that it is whole.
 *  @param atMs when its files were written last; default: now */
export async function makeBaseBackup(folder: string, atMs = Date.now()): Promise<void> {
  const files = {
    backup_label: LABEL,
    PG_VERSION: '15\n',
    'base/1/PG_VERSION': '15\n',
    'global/pg_control': Buffer.alloc(8192, 1),
    'pg_wal/000000010000000000000002': Buffer.alloc(16 * 1024 * 1024, 1),
  };
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    await utimes(file, atMs / 1000, atMs / 1000);
  }
}
