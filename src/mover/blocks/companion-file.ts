import type { Digest } from '../../domain/targets/digest.js';
import type { FileStamp } from '../../domain/file-stamp.js';
import type { FileTraits } from '../../domain/sources/source-workload.js';

/** A companion that is copied in one go. */
export interface CompanionFile extends FileTraits {
  readonly repositoryId: string;
  readonly path: string;
  /** null: the file is one of Longhaul's own, which `digest` names. */
  readonly stamp: FileStamp | null;
  /** SHA-256 that it must have; absent: nobody knows. */
  readonly digest?: Digest;
}
