import { isAboutLargest, WEEKS_MS } from '../../domain/trees/needed-points.js';
import type { TreeFile } from '../trees/tree-files.js';
import type { JudgedRun } from './rman-closings.js';
import { parseOmfPiece } from './rman-names.js';

/** Whole runs of level 0 or of all blocks that are taken for backups of a part of the database (`BACKUP TABLESPACE`, of one pluggable database): they are
 *  much smaller than the largest of some weeks, or have no piece of a container that runs of these weeks had. Names do not tell; one that is taken for a part
 *  in error only keeps longer what lies before it.
 *  @param runs oldest first */
export function partsOf(runs: readonly JudgedRun[]): Set<JudgedRun> {
  const whole = runs.filter(({ closing, kind }) => closing !== null && kind !== 'log');
  const known = whole.map((run) => {
    const pieces = [...run.files, ...run.inherited].filter(isOfData);
    return {
      run,
      createdAtMs: run.atMs,
      sizeBytes: pieces.reduce((sum, { stamp }) => sum + stamp.sizeBytes, 0),
      containers: new Set(pieces.map(containerOf)),
    };
  });
  const fulls = known.filter(({ run }) => run.kind !== 'level1');
  const parts = fulls.filter((one) => {
    const lacks = known.some(
      ({ createdAtMs, containers }) =>
        createdAtMs <= one.createdAtMs &&
        createdAtMs > one.createdAtMs - WEEKS_MS &&
        [...containers].some((container) => !one.containers.has(container)),
    );
    return lacks || !isAboutLargest(one, fulls);
  });
  return new Set(parts.map(({ run }) => run));
}

function isOfData({ name }: TreeFile): boolean {
  const kind = parseOmfPiece(name)?.kind;
  return kind === 'full' || kind === 'level0' || kind === 'level1';
}

/** The GUID of a pluggable database; `''`: the root, or a database without such. */
function containerOf({ within }: TreeFile): string {
  return /^[0-9A-F]{32}(?=\/)/i.exec(within)?.[0].toUpperCase() ?? '';
}
