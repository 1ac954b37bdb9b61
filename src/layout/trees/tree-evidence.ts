import type { PointEvidence } from '../../domain/sources/point-state.js';
import { pointEvidence } from '../point-evidence.js';
import type { TreeFile } from './tree-files.js';

/** What the files of a point of a tree tell about whether it is still being written (`pointEvidence`). A point may have as many files as a
 *  database has tables, so of each set only its number, size and newest change are kept. */
export function treeEvidence(
  files: readonly TreeFile[],
  closingRecord: TreeFile | null | 'silent',
): PointEvidence {
  const { closing, changedAtMs } = pointEvidence(files, closingRecord);
  const sizeBytes = files.reduce((sum, { stamp }) => sum + stamp.sizeBytes, 0);
  return { closing, changedAtMs, files: `${files.length}:${sizeBytes}:${changedAtMs}` };
}
