import { WINDOW_BYTES } from '../../domain/targets/digest.js';
import type { TreeRules } from '../../domain/trees/tree-rules.js';
import type { FileEntry } from '../../tree/file-index.js';

/** In how many windows a file is read, unless it is one piece. */
export function partsOfEntry({ stamp }: FileEntry): number {
  return Math.max(1, Math.ceil(stamp.sizeBytes / WINDOW_BYTES));
}

/** A file whose name says what it holds is read from its start to its end. */
export function readWhole(digestInName: TreeRules['digestInName']): (entry: FileEntry) => boolean {
  return ({ path, stamp }) =>
    stamp.sizeBytes > WINDOW_BYTES && (digestInName?.(path) ?? null) !== null;
}
