/** A program that makes the backups of a file share, as it is configured. An API client names one by its id, and decides nothing else of what runs. */
export interface PrimaryBackup {
  readonly id: string;
  readonly kind: 'restic';
  /** Name on PATH, or a path. */
  readonly program: string;
  /** Repository of Longhaul that it writes to. */
  readonly repositoryId: string;
  /** Folder of the program's own repository within it; `.`: all of it. */
  readonly folder: string;
  readonly passwordFile: string;
  /** What is backed up: absolute paths on the machine of the worker. */
  readonly paths: readonly string[];
  /** Patterns that are left out, as the program takes them. */
  readonly excludes: readonly string[];
}

/** What a run of such a program made. */
export interface PrimaryRun {
  /** Id of the snapshot, as the program names it. */
  readonly snapshot: string;
  /** What is not in it, in plain words; null: all is. */
  readonly warning: string | null;
}
