/** What the engine has to know of a tree (a set of files that only its own tool understands and that is copied as it lies, name by name) so
 *  that its copy is one that the tool takes, at every instant. Data of the layout that finds it. */

import { sameButForChangeTime, sameStamp, type FileStamp } from '../file-stamp.js';
import { type FileTraits } from '../sources/source-workload.js';

/** How a file of a class may change under its name. `immutable`: never. `replaced`: it gives way to another, whole, in one step. `appended`: it
 *  grows, and what was there stays. `rewritten`: anywhere. */
export type FileContent = 'immutable' | 'replaced' | 'appended' | 'rewritten';

/** What tools put into the files that open their stores are parameters and wrapped keys; pgBackRest a list of its backups, a thousand of which have a megabyte. */
export const MAX_OPENING_BYTES = 32 * 1024 * 1024;

export interface FileClass {
  /** Unique in its rules; persisted in plans and shown. */
  readonly name: string;
  /** Of paths relative to the tree's root. */
  readonly match: RegExp;
  readonly content: FileContent;
  /** A file of this path is never written to again once it is whole, although another content may come under its name while it is not. Of `immutable` and
   *  `appended` that goes without saying. Absent: of none. */
  readonly isWrittenOnce?: (path: string) => boolean;
  /** Of sets: a file that its tool keeps for the whole store, as it is now: no backup's own, although each lists it. Absent: of none. */
  readonly isOfStore?: (path: string) => boolean;
  /** Each of its files builds on those before it, in the order of the numbers in their names: none gets its name before all are there, and then
   *  one after the other. Absent: they know nothing of each other. */
  readonly inSequence?: true;
  /** No point needs its files. Absent: points may. */
  readonly isOfNoPoint?: true;
  /** Without its files nothing in the store can be read, and its tool hardly ever writes to them: another content of one, or the loss of one (of `immutable`
   *  ones: of the last), comes to the copy when an operator has agreed. Tells what of a file counts; files have up to `MAX_OPENING_BYTES`. */
  readonly opensStore?: (path: string, bytes: Uint8Array) => string;
  /** As long as its files are not there its tool sees no store, whatever else is: in a first copy they come last (`copyOrder`), in the order of their paths. Absent: other
   *  files tell as much. */
  readonly makesStore?: true;
  /** Of stores: how the source shows that its tool has removed files of this class. What is missing without that was lost there. Absent: nothing tells. */
  readonly removal?: RemovalTrace;
}

/** What a tool does to its store before it removes files: one of these is enough, where several are told. */
export interface RemovalTrace {
  /** One of these files is gone, and others of them are there. */
  readonly replaces?: RegExp;
  /** One of these files is written anew. */
  readonly rewrites?: RegExp;
  /** Id of the point that alone has the file: it goes when the source does not show that point any more, and whatever else happens tells nothing. null: no point has it alone. */
  readonly goesWith?: (path: string) => string | null;
}

/** @param path relative to the tree's root */
export function isNeverWrittenOver(
  { content, isWrittenOnce }: Pick<FileClass, 'content' | 'isWrittenOnce'>,
  path: string,
): boolean {
  return content === 'immutable' || content === 'appended' || isWrittenOnce?.(path) === true;
}

/** Files that name others. */
export interface NamingFiles {
  readonly match: RegExp;
  /** Files that a point needs only when one of its own names them. */
  readonly named: RegExp;
  /** Tells each path that the file names, relative to the tree.
   *  @returns what is wrong with the file itself, as the end of a sentence; null: nothing */
  readonly read: (file: NamingFile, name: (path: string) => void) => Promise<string | null>;
}

export interface NamingFile {
  readonly sizeBytes: number;
  /** @param length at most 1 MiB
   *  @returns fewer bytes where the file ends */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** A point of sets, of the source or of a copy. */
interface SizedSet {
  readonly files: readonly string[] | null;
  readonly sizeBytes?: number;
}

export interface TreeRules {
  /** `store`: the whole tree travels, and what the source removed is removed later. `sets`: only files of complete points travel, and a file goes when
   *  no kept point lists it. */
  readonly shape: 'store' | 'sets';
  /** In copying order (but `copyOrder`): what refers to files stands behind them. A file belongs to the first that matches; one that none matches is named, and not
   *  copied. Looked at the other way round, so that nothing that was seen can refer to what was written afterwards; removed the other way round. */
  readonly classes: readonly FileClass[];
  /** Locks and temporary names: never copied, never told. */
  readonly ignored: RegExp | null;
  /** SHA-256 that the name of a file claims, as lower-case hex: what is read is checked against it. null: this one claims none. */
  readonly digestInName: ((path: string) => string | null) | null;
  /** Of a store: id of the only point that can need a file. null: any may; absent: of all of them. */
  readonly pointOf?: (path: string) => string | null;
  /** Of a store with the backups of several machines: whose a point is, by its id. Absent: they are all of one. */
  readonly machineOf?: (pointId: string) => string;
  /** Whether a point can have this id, of those that `pointOf` tells. Absent: any of them. */
  readonly isPointId?: (id: string) => boolean;
  /** Of a store: files that name others, by which it is told which points suffer from what is not there. Absent: none does, or none that can be read. */
  readonly names?: NamingFiles;
  /** Of a store: files that name what its tool goes on to use: what one of them names does not go, whatever the source shows. Absent: those of `names`. */
  readonly inUse?: NamingFiles;
  /** None of its files tells of another: one look at a folder says both whether its tool is still writing and which files there are. Absent: they may, and what a scan has listed is older than
   *  what is looked at first. */
  readonly filesStandAlone?: true;
  /** Path of a file that its tool found damaged and renamed to this one, which stays as long as the store needs what it was. null: this is none. Absent: it does no such thing. */
  readonly setAside?: (path: string) => string | null;
  /** Whether a file is what its tool writes under such a name, told by its bytes; of files of up to 8 MiB. Absent: nothing tells. */
  readonly isSound?: (path: string, bytes: Uint8Array) => boolean;
  /** Folders that its tool looks for although nothing may lie in them, told by a file that lies beside them. They are made before that file has its name.
   *  Absent: none, a folder without files is not copied. */
  readonly foldersWith?: (path: string) => readonly string[];
  /** A file that changed within this time waits, unless a complete point lists it. `settle`: as long as its repository says. */
  readonly openFilesWaitMs: number | 'settle';
  /** Whether a file of this name and size does not wait, because it has all that its tool puts into it. Absent: none tells that. */
  readonly isFullSize?: (path: string, sizeBytes: number) => boolean;
  /** Of a store: what the source removed stays for so long. */
  readonly keepRemovedForDays: number;
  /** Of a store: nothing tells which of its files belong together. Each is worth something for itself, the copy has one point (the newest state of the
   *  source), and what the source removed stays until so many days after it was written there. */
  readonly isOpaque?: true;
  /** Of a store: its points are worth something without some of their files, so one is listed all the same, and says which it lacks. */
  readonly isPartial?: true;
  /** Of sets whose names are given to another backup: why a full that has taken those of one in the copy may have died, as a sentence without its end that says what an
   *  operator can do; null: nothing says so, or they have no file of one name. Pure. Absent: the source itself tells. */
  readonly doubtOfNext?: (
    next: SizedSet,
    before: SizedSet & { readonly createdAt: string },
  ) => string | null;
  /** Of sets whose logs need the one before each, whatever backup lies between: any full serves the logs after it, with those that were written up to
   *  so long before it. Absent: what a log needs ends at a backup by itself. */
  readonly logsBeforeFullMs?: number;
  /** Beside it: whether points with these files may be of one database, where several may be backed up into one folder: a full serves no other's logs. Pure. Absent: a tree
   *  is one database. */
  readonly mayBeOfOneDatabase?: (files: readonly string[], others: readonly string[]) => boolean;
  /** Of sets: a database has one log, along which alone it is rolled forward; another beside it is the same once more, under another name. Absent: it may have logs of several
   *  threads, volumes or replica sets, of which a restore takes all. */
  readonly hasOneLog?: true;
  /** More than this share of the files (0.5: half) gone or rewritten at once is not replayed before an operator agrees. */
  readonly suspiciousShare: number;
  /** What of a file its tool depends on. */
  readonly keeps: {
    readonly modes: boolean;
    readonly times: boolean;
    /** Names of one file (hard links) are names of one file in the copy, too, where its storage has such. Of files that never change. */
    readonly links: boolean;
  };
}

/** Whether a file is still what it was. The change time of one that is never written to tells of links to it and of how its tool notes that it is
 *  in use, and nothing of its content. */
export function isSameFile(a: FileStamp, b: FileStamp, content: FileContent): boolean {
  return content === 'immutable' ? sameButForChangeTime(a, b) : sameStamp(a, b);
}

/** Class of a file in the order of copying. null: no class takes it. */
export function classOf({ classes }: Pick<TreeRules, 'classes'>, path: string): number | null {
  const index = classes.findIndex(({ match }) => match.test(path));
  return index < 0 ? null : index;
}

/** Whether a file of this path has one backup, and is never written to again once that is whole. */
export function isOfOneBackup(rules: Pick<TreeRules, 'classes'>, path: string): boolean {
  const { content, isWrittenOnce } = rules.classes[classOf(rules, path) ?? -1] ?? {};
  return content === 'immutable' || isWrittenOnce?.(path) === true;
}

/** Time and permissions of a file, as far as its tool needs them. */
export function keptTraits(
  { stamp, mode }: { readonly stamp: FileStamp; readonly mode: number | null },
  { times, modes }: Pick<TreeRules['keeps'], 'times' | 'modes'>,
): FileTraits {
  return {
    ...(times ? { modifiedAtNs: stamp.modifiedAtNs } : {}),
    ...(modes && mode !== null ? { mode } : {}),
  };
}
