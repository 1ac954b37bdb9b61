import type { SourceWorkload } from '../domain/sources/source-workload.js';
import type { WorkloadTypeFacts } from '../domain/sources/workload-rules.js';
import type { RepositoryEntry } from '../repository/backup-repository.js';
import type { FolderFacts } from './file-facts.js';

/** How one backup tool lays out its restore points: a row of `layouts.ts`. */
export interface BackupLayout {
  /** Persisted name of the layout. */
  readonly name: string;
  /** Of everything that it finds. */
  readonly type: WorkloadTypeFacts;
  /** What its tool restores a copy with, in Markdown: as one types it, with names made up, in the folder that `restore --layout` has written. Source:
   *  the manual of the tool. */
  readonly restoredWith: string;
  /** Its tool never makes an increment, whatever the format of its disks (`SourceWorkload.makesFullsOnly`). Absent: as the formats tell. */
  readonly makesFullsOnly?: true;
  /** What this tool may have written into a folder, told by names alone: nothing is opened for it. null: nothing. */
  claim(names: FolderNames): Claim | null;
  /** Where names alone do not tell what of it belongs to the tool: what is left of the claim when a few small files of it were read. What it gives back is
   *  offered to the next layout. Absent: the names prove it.
   *  @param facts are of this look alone: read only where there is doubt
   *  @param claimed without what lies in claimed folders
   *  @param claim as it was made
   *  @returns null: nothing is left of it
   *  @throws what the repository throws. What is about one place alone leaves the claim as it is: the scan tells of it */
  confirm?(facts: FolderFacts, claimed: ClaimedFiles, claim: Claim): Promise<Claim | null>;
  /** Whether a file within a claimed folder is one that this tool writes there; what is not is named as not recognised. Absent: all are.
   *  @param within path from the folder of the claim */
  isOwn?(within: string): boolean;
  /** Whether a file that it has claimed is to be named as not recognised when it is part of none of the points that it has found: it belongs to
   *  another file, which may not be there. Absent: none is.
   *  @param within path from the folder of the claim */
  mayBeNobodys?(within: string): boolean;
  /** The files of a point are all called after it, so that a file which is on its way under another name is none of it. Absent: they have any names. */
  readonly isNamedAlike?: true;
  /** All workloads in what it has claimed in one folder. Never follows a path stored in a file.
   *  A point that cannot be restored is reported with state and reason, not left out.
   *  What it has claimed is all there is to know: ids follow from it, and the link of a point never leaves it. A parent that lies elsewhere
   *  is missing, so that a complete point always has its whole chain there.
   *  @throws what the repository throws when a file cannot be read that decides whose backups these are: then nothing of the claim is known, and its
   *    place is named */
  scan(facts: FolderFacts, claimed: ClaimedFiles): Promise<ClaimedWorkload[]>;
}

/** Names in one folder, sorted: those of plain files that no layout before has claimed, and of folders. */
export interface FolderNames {
  /** Path within the repository; `''` is the root. */
  readonly folder: string;
  readonly files: readonly string[];
  readonly folders: readonly string[];
  /** Folders that hold no backup of a machine (`passed-over.ts`), but may be part of a tree. Sorted. */
  readonly passedOver: readonly string[];
  /** `RepositoryCapabilities.isOpaque`. */
  readonly isOpaque?: true;
  /** `RepositoryCapabilities.isDated`. */
  readonly isDated?: true;
}

/** What a layout takes of a folder: no other layout gets to see it. A layout of trees may name what lies deeper by its path from the folder (`2026-11-24/main`): then what
 *  lies beside that is walked. */
export interface Claim {
  readonly files: readonly string[];
  /** Folders within it, each with everything in it: they are read with it, and not walked. */
  readonly folders?: readonly string[];
  /** Of a tree: hidden folders beside what it takes are none of it, and are named when files lie in them. Absent: they are its own, as the `.chunks` of a datastore. */
  readonly leavesHidden?: true;
}

/** Files and folders of a claim that says of both which are in it. */
export type ClaimedNames = Required<Pick<Claim, 'files' | 'folders'>>;

/** Plain files only: links and special files are never part of a backup, nor is what `passed-over.ts` lists. */
export interface ClaimedFiles {
  /** Path of the folder of the claim; `''` is the root. */
  readonly folder: string;
  /** The claimed ones of the folder itself, sorted by name; then all of each claimed folder, folder by folder. */
  readonly files: readonly ClaimedFile[];
}

export interface ClaimedFile extends RepositoryEntry {
  /** Path from the folder of the claim; of a file of the folder itself its name. */
  readonly within: string;
}

/** The rest follows from who found it where; `makesFullsOnly`, unless it says otherwise, from the layout. */
export type ClaimedWorkload = Omit<SourceWorkload, 'type' | 'folders'>;

/** The claim of a layout that knows its files by their names, whatever lies beside them. */
export function claimFiles({ files }: FolderNames, isOwn: (name: string) => boolean): Claim | null {
  const own = files.filter(isOwn);
  return own.length === 0 ? null : { files: own };
}
