import type { SeededRandom } from '../../fuzz/seeded-random.js';
import type { DatedSource, Files } from './dated-source.js';

/** What a tool knows of one of its backups, and a copy of it does not. */
export interface Backup {
  /** As a copy names its point, but for a date behind it. */
  readonly name: string;
  /** By the clock of its machine. */
  readonly namedMs: number;
  readonly kind: 'full' | 'increment' | 'log';
  /** True time. */
  readonly endedMs: number;
  /** By path in the source; of a file that was called anew, by each name that it had. */
  readonly files: readonly ReadonlyMap<string, Buffer>[];
  /** Its tool never finished it, or it is of a part of the database: it brings nothing back. */
  readonly isWorthless: boolean;
}

/** A database with its tool. */
export interface DatabaseTool {
  /** Some hours of work that ended just now. */
  work(random: SeededRandom): Promise<void>;
  /** What it has finished, oldest first. */
  readonly backups: readonly Backup[];
  /** It writes backups over older ones, on which others may have been built. */
  readonly reusesNames: boolean;
  /** Why a backup does not bring the database to its date with these files alone; null: it does. */
  lackOf(backup: Backup, held: Files): string | null;
  /** Why these files do not bring it to a moment, between two of its backups or at one; null: they do.
   *  @param atMs true time */
  lackAt(atMs: number, held: Files): string | null;
}

/** What tools have in common: a clock, a place and a retention of their own. */
export interface ToolWorld {
  readonly source: DatedSource;
  /** True time. Epoch milliseconds. */
  nowMs: number;
  /** By how much the clock of the database's machine is ahead. */
  aheadMs: number;
  /** Dead runs, holes and files of other names. */
  readonly isRough: boolean;
  /** After so many times of work it backs up data, beside logs each time. */
  readonly dataSteps: number;
  readonly fullsOnly: boolean;
  /** Days after which a tool removes what it does not need any more. */
  readonly keptDays: number;
}

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Whether all files of a backup are there, under one of their names, with the bytes that it wrote. */
export function isHeld({ files }: Pick<Backup, 'files'>, held: Files): boolean {
  return files.some((named) =>
    [...named].every(([path, bytes]) => held.get(path)?.equals(bytes) === true),
  );
}

/** The smallest reason among ways to bring a database back. */
export function leastLack(lacks: Iterable<string | null>, none: string): string | null {
  let found = none;
  for (const lack of lacks) {
    if (lack === null) return null;
    found = lack;
  }
  return found;
}

export function contentOf(name: string, bytes: number, head = ''): Buffer {
  const content = Buffer.alloc(bytes, `${name} `);
  content.write(head, 16, 'latin1');
  return content;
}

/** `20261124T063000` of a time without its zone. */
export function digitsOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
}

/** What another backup was written over stays. */
export async function removeBackup(
  source: DatedSource,
  { files }: Pick<Backup, 'files'>,
): Promise<void> {
  for (const [path, bytes] of files.flatMap((named) => [...named]))
    if (source.files.get(path)?.equals(bytes) === true) await source.drop(path);
}
