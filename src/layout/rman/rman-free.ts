import type { TreePoint } from '../../domain/source-tree.js';
import { writtenAtMs } from '../named-date.js';
import type { TreeFile } from '../tree-files.js';
import { treeEvidence } from '../tree-evidence.js';
import { freeAutobackup } from './rman-names.js';

/** Points of a folder with names of free formats, oldest first: what was written up to each autobackup of the control file, since the one before. Names
 *  tell neither level nor tag, so each is one point of its own, and which of them build on others only RMAN knows. */
export function freePoints(files: readonly TreeFile[]): TreePoint[] {
  const ordered = [...files].sort(
    (a, b) => writtenAtMs([a]) - writtenAtMs([b]) || (a.name < b.name ? -1 : 1),
  );
  const points: TreePoint[] = [];
  let waiting: TreeFile[] = [];
  for (const file of ordered) {
    if (freeAutobackup(file.name) === null) {
      waiting.push(file);
      continue;
    }
    points.push(pointOf(file, waiting));
    waiting = [];
  }
  if (waiting.length > 0) points.push(openPoint(waiting));
  return points;
}

function pointOf(autobackup: TreeFile, pieces: readonly TreeFile[]): TreePoint {
  return {
    ...{ id: autobackup.within, createdAtMs: writtenAtMs([autobackup]), kind: 'full', needs: [] },
    ...{ state: 'complete', reason: null, ...contentOf([...pieces, autobackup]) },
    evidence: treeEvidence(pieces, autobackup),
  };
}

/** Named after its oldest piece. */
function openPoint(pieces: readonly TreeFile[]): TreePoint {
  return {
    ...{ id: pieces[0]!.within, createdAtMs: writtenAtMs(pieces), kind: 'full', needs: [] },
    state: 'incomplete',
    reason: 'no autobackup of the control file was made after it',
    ...contentOf(pieces),
    evidence: treeEvidence(pieces, null),
  };
}

function contentOf(files: readonly TreeFile[]): Pick<TreePoint, 'files' | 'sizeBytes'> {
  return {
    files: files.map(({ within }) => within),
    sizeBytes: files.reduce((sum, { stamp }) => sum + stamp.sizeBytes, 0),
  };
}
