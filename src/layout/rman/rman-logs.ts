import type { TreePoint } from '../../domain/trees/source-tree.js';
import { writtenAtMs } from '../named-date.js';
import { treeEvidence } from '../tree-evidence.js';
import type { TreeFile } from '../tree-files.js';
import type { Clock } from './rman-clock.js';
import { parseArchivedLog } from './rman-names.js';
import type { Run } from './rman-runs.js';

export function underLogs(before: readonly Run[]): Pick<TreePoint, 'needs' | 'gap'> {
  const base = before.findLast((run) => run.kind !== 'log');
  return base === undefined
    ? { needs: [], gap: 'no backup of the database lies before it' }
    : { needs: [base.id] };
}

/** Archived logs, each a point: it needs the one before it in its thread. One that follows none needs the run before it. */
export function archivedPoints(
  files: readonly TreeFile[],
  runs: readonly Run[],
  hasLogPieces: boolean,
  { namedMs }: Clock,
): TreePoint[] {
  const logs = files
    .flatMap((file) => {
      const log = parseArchivedLog(file.name);
      if (log === null) return [];
      const writtenMs = writtenAtMs([file]);
      return [{ ...log, file, writtenMs, atMs: namedMs(writtenMs) }];
    })
    // Not by the time of names, which have one hour twice in autumn.
    .sort((a, b) => a.thread - b.thread || a.writtenMs - b.writtenMs || a.sequence - b.sequence);
  return logs.map(({ thread, sequence, file, atMs }, index) => {
    const last = index > 0 && logs[index - 1]!.thread === thread ? logs[index - 1]! : null;
    const before = runs.filter((run) => run.atMs <= atMs);
    const joins = last !== null && (last.sequence === sequence - 1 || last.sequence === sequence);
    // After OPEN RESETLOGS numbers begin anew; what is missing may lie in a piece of archived logs.
    const isMissing = last !== null && last.sequence < sequence - 1 && !hasLogPieces;
    const footing = joins
      ? { needs: [last.file.within] }
      : isMissing
        ? { needs: [], gap: missingText(thread, last.sequence + 1, sequence - 1) }
        : underLogs(before);
    return {
      ...{ id: file.within, createdAtMs: atMs, kind: 'log', ...footing },
      ...{ state: 'complete', reason: null, files: [file.within] },
      sizeBytes: file.stamp.sizeBytes,
      evidence: treeEvidence([file], 'silent'),
    };
  });
}

function missingText(thread: number, first: number, last: number): string {
  const range = first === last ? `log ${first}` : `logs ${first} to ${last}`;
  return `archived ${range} of thread ${thread} ${first === last ? 'is' : 'are'} missing`;
}
