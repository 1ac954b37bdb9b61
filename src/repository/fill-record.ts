/** How much room there was, day by day, beside the data (docs/FORMAT.md, Job and sessions). */

import type { FillSample } from '../domain/targets/growth.js';
import { withSample } from '../domain/targets/growth.js';
import { count, listOf, object, type Shape } from '../domain/json-shape.js';
import { isBackupError } from '../domain/errors.js';
import type { BackupRepository, SourceRepository } from './backup-repository.js';
import { readWholeFile } from './replace-file.js';
import { isFileUnread } from './unread-file.js';
import { OWN_FOLDER } from './repository-path.js';
import { parseJson } from './json-file.js';

const FILL_PATH = `${OWN_FOLDER}/room.json`;
const MAX_BYTES = 256 * 1024;

const day: Shape<string> = (value) =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value) ? null : ' is not a day';
const version: Shape<number> = (value) => (value === 1 ? null : ' is not 1');

const DOCUMENT = object<{ longhaulRoom: number; days: readonly FillSample[] }>({
  longhaulRoom: version,
  days: listOf(object<FillSample>({ day, totalBytes: count, freeBytes: count })),
});

/** Oldest first. What cannot be read is nothing known: it is only ever guessed from. */
export async function readFillSamples(
  repository: SourceRepository,
): Promise<readonly FillSample[]> {
  try {
    const bytes = await readWholeFile(repository, FILL_PATH, MAX_BYTES);
    return bytes === null ? [] : parseJson(bytes, FILL_PATH, DOCUMENT).days;
  } catch (error) {
    if (isBackupError(error, 'METADATA_CORRUPT') || isBackupError(error, 'FILE_TOO_LARGE'))
      return [];
    if (await isFileUnread(repository, FILL_PATH, error)) return [];
    throw error;
  }
}

/** Notes how much room there is today. Several sessions may do so at once: the last one counts. */
export async function noteFill(repository: BackupRepository, nowMs: number): Promise<void> {
  const { totalBytes, freeBytes } = await repository.capacity();
  const days = withSample(await readFillSamples(repository), { totalBytes, freeBytes }, nowMs);
  const bytes = Buffer.from(`${JSON.stringify({ longhaulRoom: 1, days })}\n`);
  await repository.makePlace(OWN_FOLDER);
  await repository.put(FILL_PATH, bytes, { isShared: true });
}
