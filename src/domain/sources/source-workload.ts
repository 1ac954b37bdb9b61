/** What a source repository holds of a workload: its restore points, their disks and further files. */

import type { RestorePointState, PointEvidence } from './point-state.js';
import type { Digest } from '../targets/digest.js';
import type { SourceTree } from '../trees/source-tree.js';
import type { FileStamp } from '../file-stamp.js';

export type RestorePointKind = 'full' | 'increment';

/** Type of backups, as the layout that finds them names it (`WorkloadTypeFacts.id`): `olvm-rhv`. Data, as it also comes from records that
 *  another release wrote; `unknown`: of a chain whose record cannot be read, and of a place that is not looked into. */
export type WorkloadType = string;

/** Format of a disk image, as `src/image/formats.ts` lists it: `qcow2`, `raw`. Data: nothing but that folder and the layouts knows one by name. */
export type FormatId = string;

/** What a backup tool expects of a file besides its bytes. It stays with the file in the commit record, for `restore --layout`. */
export interface FileTraits {
  /** Path in the tree of its restore point under which the tool looks for it, with `/` (`treePathFault`). Absent: the last part of its path. */
  readonly as?: string;
  /** Format that the disk has under that name, where the tool keeps another than the copy: a raw part, say, that a companion describes. Absent: that
   *  of the copy. Of a companion never there. */
  readonly asFormat?: FormatId;
  /** Modification time, nanoseconds since 1970 as a decimal string. A layout leaves it out: the file has it. */
  readonly modifiedAtNs?: string;
  /** Permission bits. A layout leaves it out: the file has it. */
  readonly mode?: number;
}

/** A further file of an image: a part of its data that lies in a file of its own. */
export interface SourceExtent {
  /** As the image names it, and as the layout has found it beside the image: no other file is opened for it. */
  readonly name: string;
  readonly path: string;
  readonly stamp: FileStamp;
}

/** An image of a source restore point. `path` is relative to the repository, with `/`. */
export interface SourceImage {
  readonly path: string;
  readonly format: FormatId;
  readonly stamp: FileStamp;
  /** Absent: the image is this one file. */
  readonly extents?: readonly SourceExtent[];
  /** Digest table of a file that Longhaul wrote itself; absent for what a backup tool wrote. */
  readonly digestsPath?: string;
  /** What its tool noted that all bytes of the file add up to (Adler-32, RFC 1950): compared before it is copied. Absent: it notes nothing. */
  readonly adler32?: number;
}

/** One disk of a source restore point, by the image that shows it. */
export interface SourceDisk extends SourceImage, FileTraits {
  readonly disk: string;
  readonly kind: RestorePointKind;
  /** Restore point that holds the parent file of this disk; null for a full. Decided by the layout, never by the path inside the image. */
  readonly parentRestorePointId: string | null;
  /** Images of the same point that the image builds on, the one right below it first; absent: none. */
  readonly below?: readonly SourceImage[];
}

/** A file that belongs to a source restore point and is no disk: machine definition (OVF, domain XML), notes, firmware variables, log. */
export interface SourceCompanion extends FileTraits {
  /** Relative to the repository, with `/`. */
  readonly path: string;
  /** Of a file that Longhaul wrote itself: its SHA-256, or where its digest table lies. */
  readonly digest?: Digest;
  readonly digestsPath?: string;
}

/** Names the files that show a restore point, with all that it builds on, as they lie there: sizes and times of each, with its path (`byPath`) or
 *  its inode (`byFile`). Equal in either: not one of them was touched since. Different says nothing. */
export interface SourceFingerprint {
  readonly byPath: Digest;
  readonly byFile: Digest;
}

/** What a source that no Longhaul wrote calls one of its restore points. */
export interface BackupName {
  readonly repositoryId: string;
  readonly restorePointId: string;
}

export interface SourceRestorePoint {
  /** Unique within its workload and repository, stable while the point exists. */
  readonly id: string;
  readonly workloadId: string;
  readonly createdAtMs: number;
  /** `full` only when every disk is full. */
  readonly kind: RestorePointKind;
  /** Parent as the backup tool declares it, even if that point is not there any more; null for a full. */
  readonly parentId: string | null;
  /** Sorted by `disk`. */
  readonly disks: readonly SourceDisk[];
  readonly companions: readonly SourceCompanion[];
  readonly state: RestorePointState;
  /** Why the state is not `complete`, in plain words; null otherwise. */
  readonly reason: string | null;
  /** What its tool has left out of it, in plain words: the point is whole as the tool made it, the machine is not. Absent: nothing that is known. */
  readonly leftOut?: string;
  /** Nothing tells whether it has: the session that copies the point warns of it, and no later one. Absent: it has. */
  readonly isLeftOutUnsure?: true;
  /** Something that it builds on was written to after it: what has become different in it was never the machine's. Absent: nothing that is known. */
  readonly isOnLater?: true;
  /** Absent: there is nothing to wait for, because a commit record vouches for the point. */
  readonly evidence?: PointEvidence;
  /** When a point that is `inProgress` is looked at again; absent in every other state. */
  readonly lookAgainAtMs?: number;
  /** null: not complete, or on storage whose stamps are weak. */
  readonly fingerprint: SourceFingerprint | null;
  /** `TargetRestorePoint.copyId` of a point of one of Longhaul's own chains: whatever is merged or moved there, it shows what was copied. */
  readonly copyId?: string;
  /** Of such a point: the backup that it is a copy of. */
  readonly backup?: BackupName;
  /** Why such a point was taken too early: its record knows that by now (`incomplete`). Absent: nothing that is known. */
  readonly short?: string;
  /** Beside `short`: no whole one stands there in its place, so it is copied on as what it is (`isCopyable`). */
  readonly hasNoWhole?: true;
}

/** Folders whose restore points take turns in one workload (`doubtOf`). */
export interface FolderDoubt {
  /** Which, when, and what to do if they are of two machines, in plain words. */
  readonly text: string;
  /** All that leave it: at least two of `SourceWorkload.folders`. */
  readonly folders: readonly string[];
}

export interface SourceWorkload {
  readonly id: string;
  /** Under which it may have been listed when other backups lay beside it: copies under these ids are no copies of what is gone. One with a mark in place of a date
   *  stands for all dates (`idOfAnyDate`). Absent: it has always had this one. */
  readonly otherIds?: readonly string[];
  /** Ids of disks of which its image may have been a restore point before it was made to stand for itself, as its name tells. Absent: of none. */
  readonly formerDisks?: readonly string[];
  /** It is there, and nothing of it is a backup: its copies are no copies of what is gone. Absent: it is one to be copied. */
  readonly isOnlySeen?: true;
  readonly name: string;
  readonly type: WorkloadType;
  /** Paths within the repository of the folders that it was found in, `''` for the root; for one of Longhaul's chains the chain's folder.
   *  At least one, unique, sorted as they are walked: by the names on the path, a folder before those within it.
   *  No link of a restore point leaves its folder, so a complete one has its whole chain there. */
  readonly folders: readonly string[];
  /** Oldest first (`orderByLineage`). */
  readonly restorePoints: readonly SourceRestorePoint[];
  /** Two machines claim this id: which, and what shows it. Such a workload is never copied. Absent: one does. */
  readonly conflict?: string;
  /** Nothing shows that two machines claim this id, and its folders look as if two did. Copied all the same. Absent: they do not. */
  readonly doubt?: FolderDoubt;
  /** Its tool never makes an increment: each of its points stands for itself, and old ones go one by one. Absent: as the formats of its disks tell
   *  (`makesFullsOnly`). */
  readonly makesFullsOnly?: boolean;
  /** It is a disk under one name, and images that build on it (snapshots) come and go beside it, as when they are committed into it: it stays the same disk when
   *  none of its old points is there. Absent: nothing that is known. */
  readonly isWrittenOver?: true;
  /** It is a tree of files, and no machine: how it is copied. Its restore points have no disks. */
  readonly tree?: SourceTree;
  /** It is one of Longhaul's own chains: whatever is merged or deleted in it, it stays the same chain. */
  readonly isCopiedChain?: boolean;
}
