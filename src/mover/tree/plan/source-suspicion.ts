import { createHash } from 'node:crypto';
import { isBackupError } from '../../../domain/errors.js';
import { faultOfSourceFile } from '../../../domain/trees/one-file-fault.js';
import {
  openingSuspicion,
  suspicionOf,
  suspicionOfClasses,
  type OpeningFinding,
} from '../../../domain/trees/tree-guard.js';
import { MAX_OPENING_BYTES } from '../../../domain/trees/tree-rules.js';
import { readWholeFile } from '../../../repository/replace-file.js';
import { treeFile } from '../../../tree/tree-paths.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import type { ChangeCount, OpeningChange } from './count-changes.js';
import type { Seen } from './plan-class.js';
import { sourcePath } from '../tree-plan.js';

/** Why an operator has to look before the copy follows its source. null: it may. */
export async function suspicionIn(
  seen: Seen & { readonly known: TreeRecord },
  { changes, classes, openingChanges }: Pick<ChangeCount, 'changes' | 'classes' | 'openingChanges'>,
): Promise<string | null> {
  const { rules } = seen.layout;
  const ofFiles =
    suspicionOf(changes, rules, seen.known.guard) ?? suspicionOfClasses(classes, rules);
  return ofFiles ?? seen.pointLosses.suspicion ?? (await suspicionOfOpening(seen, openingChanges));
}

/** Of files without which a store cannot be opened. Tools write them anew with the very bytes, so their bytes are asked. */
async function suspicionOfOpening(
  seen: Seen,
  changes: readonly OpeningChange[],
): Promise<string | null> {
  for (const change of changes) {
    const finding = await findingOf(seen, change);
    if (finding !== null) return openingSuspicion(change.entry.path, finding);
  }
  return null;
}

/** null: nothing that counts has changed. */
async function findingOf(
  { source, target, tree, input }: Seen,
  { listed, entry, fileClass }: OpeningChange,
): Promise<OpeningFinding | null> {
  if (listed === null) return 'gone';
  if (listed.stamp.sizeBytes > MAX_OPENING_BYTES) return 'other';
  const { path, digest } = entry;
  // What cannot be read is not copied, and told.
  const now = await bytesOf(() => readWholeFile(source, sourcePath(tree, path), MAX_OPENING_BYTES));
  if (now === null) return null;
  if (now === 'tooLarge') return 'other';
  if (digestOf(now) === digest) return null;
  const copied = await bytesOf(() =>
    readWholeFile(target, treeFile(input.chain, path), MAX_OPENING_BYTES),
  );
  if (copied === null || copied === 'tooLarge' || digestOf(copied) !== digest) return 'unlikeCopy';
  const counted = (bytes: Buffer) => fileClass.opensStore!(path, bytes);
  return counted(now) === counted(copied) ? null : 'other';
}

/** null: it is not there, or its storage does not read it. */
async function bytesOf(read: () => Promise<Buffer | null>): Promise<Buffer | 'tooLarge' | null> {
  try {
    return await read();
  } catch (error) {
    if (isBackupError(error, 'FILE_TOO_LARGE')) return 'tooLarge';
    if (faultOfSourceFile(error) !== null) return null;
    throw error;
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
