import type { TreePoint } from '../../domain/trees/source-tree.js';
import { writtenAtMs } from '../named-date.js';
import type { TreeFile } from '../tree-files.js';
import { treeEvidence } from '../tree-evidence.js';
import { NO_LEVEL_0 } from './rman-area.js';
import { freeAutobackup, namedLevel } from './rman-names.js';

/** Points of a folder with names of free formats, oldest first: what was written up to each autobackup of the control file, since the one before. Which of
 *  them build on others only RMAN knows. So that retention parts none from its level 0, one needs those before it, back to one that is called a level 0
 *  or a full, or that is so large that it may be one: kept too long is a lesser fault than gone too early. */
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
    points.push(pointOf(file, waiting, points));
    waiting = [];
  }
  if (waiting.length > 0) points.push(openPoint(waiting));
  return points;
}

function pointOf(
  autobackup: TreeFile,
  pieces: readonly TreeFile[],
  before: readonly TreePoint[],
): TreePoint {
  const createdAtMs = writtenAtMs([autobackup]);
  const content = contentOf([...pieces, autobackup]);
  const levels = pieces.map(({ name }) => namedLevel(name));
  const isLevel1 = levels.includes(1);
  const isBase = !isLevel1 && (levels.includes(0) || isLarge(content, createdAtMs, before));
  const last = before.at(-1);
  return {
    ...{ id: autobackup.within, createdAtMs, kind: isLevel1 ? 'increment' : 'full' },
    needs: isBase || last === undefined ? [] : [last.id],
    ...(isLevel1 && !before.some(isBasePoint) ? { gap: NO_LEVEL_0 } : {}),
    ...{ state: 'complete', reason: null, ...content },
    evidence: treeEvidence(pieces, autobackup),
  };
}

function isBasePoint({ kind, needs }: TreePoint): boolean {
  return kind === 'full' && needs.length === 0;
}

/** Half as large as the largest of some weeks: a database that has shrunk has a level 0 again after them. */
function isLarge(
  { sizeBytes = 0 }: Pick<TreePoint, 'sizeBytes'>,
  createdAtMs: number,
  before: readonly TreePoint[],
): boolean {
  const recent = before.filter((point) => point.createdAtMs > createdAtMs - WEEKS_MS);
  const largest = recent.reduce((most, point) => Math.max(most, point.sizeBytes ?? 0), 0);
  return 2 * sizeBytes >= largest;
}

const WEEKS_MS = 35 * 24 * 60 * 60_000;

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
