/** Restore points that Longhaul keeps in a target repository, as the commit record of their chain lists them. Plain JSON. */

import type { PlacedSlots } from './file-units.js';
import type { Digest, DigestAlgorithm } from './digest.js';
import type {
  BackupName,
  FileTraits,
  FormatId,
  RestorePointKind,
  SourceFingerprint,
} from '../sources/source-workload.js';

export type GfsFlag = 'weekly' | 'monthly' | 'yearly';
export type PointHealth = 'good' | 'corrupt' | 'unknown';

export interface TargetRestorePoint {
  /** Folder name in the chain, from `createdAt`: unique in the chain. Says nothing about the order: the record does. */
  readonly id: string;
  /** When the source made it. RFC 3339 UTC. */
  readonly createdAt: string;
  /** When the copy was committed. RFC 3339 UTC. */
  readonly copiedAt: string;
  readonly kind: RestorePointKind;
  /** Point whose files this one builds on; null for a full. */
  readonly parentId: string | null;
  /** Id of the full that this point's chain starts with. */
  readonly chainId: string;
  /** `retired`: not offered any more, kept only as long as a merge needs its files. */
  readonly state: 'available' | 'retired';
  readonly health: PointHealth;
  /** When every byte of its own disk files was last read and compared with its digest; a copy reads back what it writes. null: not since they
   *  were last changed. RFC 3339 UTC. */
  readonly verifiedAt: string | null;
  readonly flags: readonly GfsFlag[];
  readonly disks: readonly TargetDisk[];
  readonly companions: readonly TargetCompanion[];
  readonly source: CopiedSource;
  /** Names this act of copying. It stays with the point whatever becomes of its files, because what they show stays the same. */
  readonly copyId: string;
}

/** What is kept of a file besides its bytes. */
export interface KeptFile extends FileTraits {
  /** It is no disk but a companion that was too large to be copied in one go. */
  readonly isCompanion?: true;
}

/** Paths are relative to the chain's folder. */
export interface TargetDisk extends KeptFile {
  readonly disk: string;
  readonly path: string;
  readonly format: FormatId;
  readonly kind: RestorePointKind;
  readonly sizeBytes: number;
  readonly virtualSizeBytes: number;
  readonly digests: {
    readonly path: string;
    readonly algorithm: DigestAlgorithm;
    /** SHA-256 of the digest table itself. */
    readonly tableDigest: Digest;
    /** Where the file's slots lie; absent when all of its units lie on multiples of 64 KiB. */
    readonly slots?: PlacedSlots;
  };
  /** Copy of the file's header and tables, for healing. */
  readonly tablesPath: string;
  /** Its source is encrypted by now, and the file has none of the lines by which the keys are found: an earlier build left them out, or the disk was plain then. Absent: nothing that is known. */
  readonly lacksKeys?: true;
}

export interface TargetCompanion extends FileTraits {
  readonly path: string;
  readonly sizeBytes: number;
  /** SHA-256. */
  readonly digest: Digest;
}

/** What this point was copied from; the memory by which it is recognised in the source. */
export interface CopiedSource {
  readonly repositoryId: string;
  readonly restorePointId: string;
  /** Of the source's files when they were last proven to show what the copy shows; null: its stamps are weak. */
  readonly fingerprint: SourceFingerprint | null;
  /** Of the point of a chain of Longhaul that it was copied from. */
  readonly copyId?: string;
  /** Owner of the chain that proved it on storage with weak stamps: as long as it owns the chain. */
  readonly provenInEpoch?: number;
  /** When the source made the point that was proven so. RFC 3339 UTC. Absent: as the copy says, for only an undated one gets another date each time that
   *  its file is written to. */
  readonly provenCreatedAt?: string;
  /** The source point was found not to be what was copied. */
  readonly judged?: SourceJudgement;
  /** Of a copy of a copy: the backup that it is a copy of, by whatever way. Absent: it was copied from that itself, or nobody knows. */
  readonly backup?: BackupName;
}

/** Outcome of a comparison of all blocks. `grown`: nothing that was copied is different, but there is more. */
export interface SourceJudgement {
  readonly verdict: 'grown' | 'replaced';
  /** What was found, in plain words. */
  readonly reason: string;
  /** Beside `replaced`: only what was empty has been filled, but what the point builds on was written to after it, so either state may be the right one. */
  readonly isFilled?: true;
  /** Of the source's files as they were judged; null: the judgement holds for `epoch` only. */
  readonly fingerprint: SourceFingerprint | null;
  readonly epoch: number;
}

/** A point of the source that has been dealt with and is not among the copies: passed over, or copied once and gone by retention or by an operator. */
export interface KnownSourcePoint {
  readonly repositoryId: string;
  readonly restorePointId: string;
  /** RFC 3339 UTC. */
  readonly createdAt: string;
  /** Of the source's files when it was dealt with. null: its stamps are weak. Absent: an earlier build did not say. */
  readonly fingerprint?: SourceFingerprint | null;
  /** Of a point of a chain of Longhaul. */
  readonly copyId?: string;
}
