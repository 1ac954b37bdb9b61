import type { z } from 'zod';
import type { StorageProbe } from '../domain/targets/storage-probe.js';
import type { BackupRepository, SourceRepository } from './backup-repository.js';

/** What an entry of the configuration says of its storage: the kind, and settings that only the row of this kind understands. Plain data:
 *  every thread opens its own. */
export interface StorageSettings {
  readonly kind: string;
}

/** A repository that is only read, as every call finds it. */
export interface OpenedSource extends SourceRepository {
  /** The same repository for one piece of work, during which it may hold on to what it has opened; a store that holds nothing gives itself. */
  keepingFolders(): KeepingSource;
}

export interface KeepingSource extends SourceRepository {
  close(): Promise<void>;
}

/** The same where it may be written to. */
export interface OpenedTarget extends BackupRepository {
  keepingFolders(): KeepingTarget;
}

export interface KeepingTarget extends BackupRepository, KeepingSource {}

interface OpenedContents {
  /** `RepositoryCapabilities.isOpaque`. */
  readonly isOpaque: boolean;
  /** `RepositoryCapabilities.isDated`. */
  readonly isDated: boolean;
}

/** What the settings of a kind are made of. Handed in, so that the threads of the data mover, which read no configuration, load none of it. */
interface SettingPieces {
  readonly z: typeof z;
  /** A path on this machine. */
  readonly filePath: (text: { description: string; allowed: string }) => z.ZodString;
  /** `allowed` of a path, to begin with. */
  readonly pathAllowed: string;
}

/** A row of kinds.ts: a kind of storage, and all that anybody else needs to know of it. */
export interface RepositoryKind<S extends StorageSettings = StorageSettings> {
  readonly kind: S['kind'];
  /** In the table of kinds in docs/OPERATIONS.md. */
  readonly meaning: string;
  /** What it cannot do, in sentences of that table; empty: nothing. */
  readonly limits: readonly string[];
  /** Settings beside those that every repository has, each with `description` and `allowed`: the configuration, its faults, its variables and
   *  its table, and the shape in the API follow from them. */
  readonly settings: (pieces: SettingPieces) => Readonly<Record<string, z.ZodType>>;
  /** The setting that says where it is: two repositories must not have one place. */
  readonly placeSetting: string;
  /** @param configFolder where relative paths start */
  absolute(settings: S, configFolder: string): S;
  /** Where it is, for people. */
  place(settings: S): string;
  /** Absolute folder of this machine whose files are the repository's; null: there is none, so no program that works on folders can be
   *  started there, and nobody can restore into it by mistake. */
  folder(settings: S): string | null;
  /** For reading: nothing that it gives can write. @throws REPOSITORY_UNREACHABLE */
  openSource(id: string, settings: S, contents: OpenedContents): Promise<OpenedSource>;
  /** For reading and writing. @throws as `openSource` */
  openTarget(id: string, settings: S, contents: OpenedContents): Promise<OpenedTarget>;
  /** Tries on the storage what a target needs of it. @throws errors of kind `unavailable` */
  probe(id: string, settings: S): Promise<StorageProbe>;
  /** False: it was fit as a target, and does not let anybody write now. One cheap question at each look. Absent: nothing tells but a write. */
  mayWrite?(settings: S): Promise<boolean>;
  /** Keeps some room of a target for its records, which `put` falls back on where there is no other. Absent: the storage has no end. */
  keepReserve?(id: string, settings: S): Promise<void>;
  /** What `work` gives, which may use that room: where it finds none it is done again, once, with all of it. */
  withReserve?<T>(id: string, settings: S, work: () => Promise<T>): Promise<T>;
  /** Rings soon after a change in one of its folders, where something tells of it; null: nothing does. On a thread that may wait for its storage. */
  readonly watch: ((settings: S, onChange: () => void) => FolderWatch) | null;
}

/** Folders in which changes are told. */
export interface FolderWatch {
  /** Watches these, too: the names in each of them, and not what lies below.
   *  @param folders that a look has just listed; `''` is the root
   *  @param afterEach is called when the storage has answered for one of them
   *  @returns whether one of them was not watched: what changed in it before is not told */
  add(folders: readonly string[], afterEach?: () => void): boolean;
  close(): void;
}
