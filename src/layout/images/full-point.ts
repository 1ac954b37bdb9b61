import type { RepositoryEntry } from '../../repository/backup-repository.js';
import type {
  FormatId,
  SourceCompanion,
  SourceDisk,
} from '../../domain/sources/source-workload.js';
import { pointEvidence } from '../point-evidence.js';
import { broken, type Finding, type PointFault } from '../point-fault.js';
import type { DraftPoint } from './settle-chains.js';

/** A disk of a restore point that builds on nothing. */
export function fullDisk(
  disk: string,
  format: FormatId,
  { path, stamp }: RepositoryEntry,
): SourceDisk {
  return { disk, path, format, kind: 'full', parentRestorePointId: null, stamp };
}

/** What a tool that makes fulls alone left of one run. */
interface FullRun {
  readonly id: string;
  readonly workloadId: string;
  readonly createdAtMs: number;
  /** In any order; no disk twice. */
  readonly disks: readonly SourceDisk[];
  readonly companions: readonly SourceCompanion[];
  readonly faults: readonly PointFault[];
  /** As `SourceRestorePoint.leftOut`. */
  readonly leftOut?: string | undefined;
  /** Everything that the tool writes for this run alone, but its closing record. */
  readonly files: readonly RepositoryEntry[];
  /** As `pointEvidence` takes it. */
  readonly closingRecord: RepositoryEntry | null | 'silent';
}

/** A run that lacks something, and was not closed after all of it was here, may be on its way: more of it is awaited. */
export function fullPoint(run: FullRun): DraftPoint {
  const { id, workloadId, createdAtMs, companions, faults, leftOut, files, closingRecord } = run;
  const disks = [...run.disks].sort((a, b) => (a.disk < b.disk ? -1 : 1));
  const evidence = pointEvidence(files, closingRecord);
  const isAwaited = leftOut !== undefined && evidence.closing === 'silent';
  return {
    ...{ id, workloadId, createdAtMs, kind: 'full', parentId: null, disks, companions },
    faults: disks.length === 0 && faults.length === 0 ? [broken('it holds no disk').fault] : faults,
    evidence: isAwaited ? { ...evidence, closing: 'awaited' } : evidence,
    ...(leftOut === undefined ? {} : { leftOut }),
  };
}

/** The point, of which more may be on its way although its tool has closed it. */
export function awaited(point: DraftPoint): DraftPoint {
  const { evidence } = point;
  return evidence === undefined
    ? point
    : { ...point, evidence: { ...evidence, closing: 'awaited' } };
}

/** Parts what was found of several files into answers and faults. */
export function partFindings<T>(findings: readonly Finding<T>[]): {
  readonly values: readonly T[];
  readonly faults: readonly PointFault[];
} {
  return {
    values: findings.flatMap((finding) => ('value' in finding ? [finding.value] : [])),
    faults: findings.flatMap((finding) => ('fault' in finding ? [finding.fault] : [])),
  };
}
