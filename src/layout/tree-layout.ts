import type { FoundTree } from '../domain/trees/source-tree.js';
import type { TreeRules } from '../domain/trees/tree-rules.js';
import type { FormatId } from '../domain/sources/source-workload.js';
import type { WorkloadTypeFacts } from '../domain/sources/workload-rules.js';
import type { ByteSource } from '../image/byte-source.js';
import type { RepositoryEntry } from '../repository/backup-repository.js';
import type { Claim, FolderNames } from './backup-layout.js';
import type { NamesIn } from './names/names-in.js';
import type { Finding, PointFault } from './point-fault.js';

/** How one tool lays out backups that are trees of files: a row of `tree-layouts.ts`. It knows nothing of the engine that copies them, nor the
 *  engine of the tool. */
export interface TreeLayout {
  /** Persisted name of the layout. */
  readonly name: string;
  /** Of everything that it finds. */
  readonly type: WorkloadTypeFacts;
  /** As of `BackupLayout`; of a store in that folder or in the copy itself. */
  readonly restoredWith: string;
  /** `WorkloadTypeView.linesInPlace`. Absent: it has no tool of its own, or none that reads a copy where it lies. */
  readonly linesInPlace?: readonly string[];
  readonly rules: TreeRules;
  /** By names alone. Nothing that is claimed is walked by the scan: a store of a million files costs no listing. Asked before the layouts of images.
   *  null: nothing */
  claim(names: FolderNames): Claim | null;
  /** For names that others may use, too (`archive`, `FULL`, `x.bak`): what is left of the claim when a few files were looked at. What it gives back
   *  is offered to the next layout, and walked. A file that it could not read (`orTell`), and gives back, is named. Absent: the names prove it.
   *  @throws what the repository throws. What is about one place alone leaves the claim as it is: the scan tells of it */
  confirm?(
    reader: TreeReader,
    folder: string,
    claimed: Claim,
    others: OtherLayouts,
  ): Promise<Claim | null>;
  /** Trees in what it has claimed. Lists and reads only what tells their points, never the data folders of a store.
   *  A point that cannot be restored is reported with state and reason, not left out.
   *  @throws what the repository throws when something cannot be read that decides whose backups these are: then nothing of the claim is known, and its
   *    place is named */
  scan(reader: TreeReader, folder: string, claimed: Claim): Promise<FoundTree[]>;
  /** Of sets: whether a claimed file that no point lists is its tool's all the same, and nothing is lost with it: a list of backups that are gone. Any other
   *  is named as not copied. Absent: all that the tool writes is of a point. */
  isSpare?(name: string): boolean;
}

/** Every layout but the one that asks. */
export interface OtherLayouts {
  /** Of these names those that others take in the folder, or from the one above it, and folders in which, at any depth, one of them takes something. What is given up for them is theirs:
   *  the walk comes to the same answer. What none of them takes is left out.
   *  @param folder path within the repository
   *  @throws what the repository throws */
  taken(folder: string, names: NamesIn): Promise<NamesIn>;
}

/** A source repository as a layout of trees sees it: the claimed folder, and nothing else. All paths are of the repository. */
export interface TreeReader {
  readonly repositoryId: string;
  /** Sorted by name; an absent folder is empty. Links, special files and names that cannot be part of a path are left out. */
  list(folder: string): Promise<RepositoryEntry[]>;
  /** Names of what it leaves out because it is no plain file and no folder, sorted: links may lead to what belongs to the backup. */
  leftOut(folder: string): Promise<string[]>;
  /** A look at one tree or file beside others of the claim. null: it cannot be read, or is not there any more, and whoever scans tells so. */
  orTell<T>(look: () => Promise<T>): Promise<T | null>;
  /** @param offset negative: from the end of the file
   *  @param length at most 1 MiB
   *  @returns fewer bytes where the file ends
   *  @throws FILE_MISSING, PATH_FORBIDDEN */
  read(path: string, offset: number, length: number): Promise<Uint8Array>;
  /** Why a file of a format that `src/image` knows is none to its end; null: it is, as far as its head and its end tell. Asked once as long as the file
   *  is the same, where the storage's stamps prove that. */
  wholeFault(entry: RepositoryEntry, format: FormatId): Promise<PointFault | null>;
  /** What `read` finds out of one file.
   *  @throws what the repository throws, and what `read` throws */
  look<T>(path: string, read: (source: ByteSource) => Promise<T>): Promise<T>;
  /** The same, in plain JSON. Asked once as long as the file is the same, as above.
   *  @param about names the question
   *  @throws what the repository throws */
  factOf<T>(
    entry: RepositoryEntry,
    about: string,
    read: (source: ByteSource) => Promise<T>,
  ): Promise<Finding<T>>;
  /** null: the file is no JSON, or has more than `maxBytes`.
   *  @throws FILE_MISSING, PATH_FORBIDDEN */
  readJson(path: string, maxBytes: number): Promise<unknown>;
}
