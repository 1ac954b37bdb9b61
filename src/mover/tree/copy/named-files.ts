import { hash } from 'node:crypto';
import { isBackupError } from '../../../domain/errors.js';
import { WINDOW_BYTES } from '../../../domain/targets/digest.js';
import type { SourceRepository } from '../../../repository/backup-repository.js';
import { treeFile } from '../../../tree/tree-paths.js';
import { statTarget } from '../stat-target.js';
import type { HeldFile, PlannedFile } from '../tree-plan.js';

/** SHA-256 of what an attempt gave the name of a small file before it was stopped, when its window tells of nothing: the source may have lost the file
 *  by now, and what no index knows would stay for ever. null: the copy has what it had.
 *
 *  A file gets its name whole, so what lies there is the content that the plan lists, or the one that the index knows, or what has become of that: which of
 *  these the digest tells.
 *  @param announced digest of what the attempt was about to name; `''`: it is not known */
export async function digestOfNamed(
  target: SourceRepository,
  tree: string,
  file: PlannedFile,
  announced: string,
): Promise<string | null> {
  const { path, held, stamp } = file;
  // Nothing was announced, so nothing was named over what is held.
  if (held !== null && held.lost?.isStill !== true && announced === '') return null;
  const entry = await statTarget(target, treeFile(tree, path));
  if (entry === null || entry.stamp.sizeBytes > WINDOW_BYTES) return null;
  try {
    const named = await target.openRead(treeFile(tree, path));
    try {
      const bytes = Buffer.alloc(entry.stamp.sizeBytes);
      await named.read(bytes, 0);
      const digest = hash('sha256', bytes, 'hex');
      // Of what has no entry yet nothing but its length may be known.
      if (held === null && announced === '')
        return bytes.length === stamp.sizeBytes ? digest : null;
      return isNamed(digest, held, announced) ? digest : null;
    } finally {
      await named.close();
    }
  } catch (error) {
    if (isBackupError(error, 'FILE_MISSING')) return null;
    throw error;
  }
}

/** What is sent again is what was copied. */
function isNamed(found: string, held: HeldFile | null, announced: string): boolean {
  if (held === null) return found === announced;
  if (held.lost?.isStill === true) return found === held.digest;
  return found === announced && found !== held.digest;
}
