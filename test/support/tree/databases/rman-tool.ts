import type { SeededRandom } from '../../fuzz/seeded-random.js';
import {
  contentOf,
  DAY_MS,
  digitsOf,
  HOUR_MS,
  isHeld,
  leastLack,
  MINUTE_MS,
  removeBackup,
  type Backup,
  type DatabaseTool,
  type ToolWorld,
} from './database-tool.js';
import type { Files } from './dated-source.js';

interface RmanBackup extends Backup {
  readonly beganMs: number;
  readonly level: 0 | 1 | 'log' | 'archived';
  /** Of level 1: what it builds on. */
  readonly base?: RmanBackup;
  /** Numbers of the logs that it holds. */
  readonly sequences: readonly number[];
}

interface Control {
  readonly path: string;
  readonly bytes: Buffer;
  readonly atMs: number;
}

/** Oracle RMAN into a fast recovery area, of a database that stays open. It is opened from a backup when the logs of the time that this took are there, and a control
 *  file that was written behind it; and goes to a log along all logs since. A level 1 builds on the newest backup that was finished.
 *  Source: Oracle Database Backup and Recovery User's Guide (incremental backups; recovery of a database; control file autobackups). */
export class RmanTool implements DatabaseTool {
  readonly backups: RmanBackup[] = [];
  readonly reusesNames = false;
  readonly #controls: Control[] = [];
  /** When each log was closed. */
  readonly #closedMs = new Map<number, number>();
  #sequence = 7;
  #unique = 0;
  #step = 0;
  #archived: RmanBackup[] = [];

  /** @param area folder of the database
   *  @param zoneMs of its machine
   *  @param packsLogs whether logs go into backup pieces, and then away */
  constructor(
    private readonly world: ToolWorld,
    private readonly area: string,
    private readonly zoneMs: number,
    private readonly packsLogs: boolean,
  ) {}

  async work(random: SeededRandom): Promise<void> {
    const { world } = this;
    const step = this.#step++;
    // A clock that is wrong by hours shows no second twice.
    const nowMs = world.nowMs + step * 1000;
    const beganMs = nowMs - 5 * HOUR_MS;
    await this.#archive(beganMs - 10 * MINUTE_MS);
    if (step % world.dataSteps === 0) {
      const level = step === 0 || world.fullsOnly || random.below(4) === 0 ? 0 : 1;
      await this.#data(beganMs, level, world.isRough && step > 0 && random.below(3) === 0, random);
    }
    if (this.packsLogs) await this.#packLogs(nowMs - 2 * HOUR_MS);
    else await this.#archive(nowMs - 2 * HOUR_MS);
    await this.#purge();
  }

  async #data(beganMs: number, level: 0 | 1, dies: boolean, random: SeededRandom): Promise<void> {
    const tag = `TAG${digitsOf(this.#named(beganMs))}`;
    const finished = this.backups.filter(
      ({ level: own, isWorthless }) => own === 0 || (own === 1 && !isWorthless),
    );
    const base = finished.findLast(({ isWorthless }) => !isWorthless);
    const minutes = 30 + random.below(60);
    const endedMs = beganMs + minutes * MINUTE_MS;
    const files = new Map<string, Buffer>();
    const bytes = level === 0 ? 9000 + random.below(900) : 900;
    const pieces = dies ? 1 : 2;
    for (let piece = 1; piece <= pieces; piece++)
      await this.#put(
        files,
        `backupset/${this.#day(beganMs)}`,
        `nnnd${level}_${tag}`,
        dies ? 300 : bytes,
        beganMs + (minutes * piece * MINUTE_MS) / pieces,
      );
    if (random.below(2) === 0) await this.#archive(beganMs + 20 * MINUTE_MS);
    const own = {
      name: tag,
      namedMs: this.#named(beganMs),
      beganMs,
      endedMs,
      level,
      files: [files],
    };
    const kind = level === 0 ? ('full' as const) : ('increment' as const);
    const under = level === 1 && base !== undefined ? { base } : {};
    this.backups.push({ ...own, ...under, kind, sequences: [], isWorthless: dies });
    if (!dies) await this.#control(endedMs + 5000);
  }

  /** The log that is being written is closed. */
  async #archive(atMs: number): Promise<void> {
    const sequence = this.#sequence++;
    this.#closedMs.set(sequence, atMs);
    const name = `o1_mf_1_${sequence}_${this.#newUnique()}_.arc`;
    const within = `archivelog/${this.#day(atMs)}/${name}`;
    const bytes = contentOf(within, 600);
    await this.world.source.write(`${this.area}/${within}`, bytes, atMs);
    const own = {
      name: within,
      kind: 'log' as const,
      namedMs: this.#named(atMs),
      beganMs: atMs,
      endedMs: atMs,
    };
    const log: RmanBackup = {
      ...own,
      level: 'archived',
      sequences: [sequence],
      isWorthless: false,
      files: [new Map([[`${this.area}/${within}`, bytes]])],
    };
    this.backups.push(log);
    this.#archived.push(log);
  }

  /** `BACKUP ARCHIVELOG ALL DELETE INPUT` */
  async #packLogs(atMs: number): Promise<void> {
    await this.#archive(atMs - 1000);
    const tag = `TAG${digitsOf(this.#named(atMs))}`;
    const files = new Map<string, Buffer>();
    await this.#put(
      files,
      `backupset/${this.#day(atMs)}`,
      `annnn_${tag}`,
      700 * this.#archived.length,
      atMs + 30_000,
    );
    const sequences = this.#archived.flatMap((log) => log.sequences);
    for (const log of this.#archived) await removeBackup(this.world.source, log);
    this.#archived = [];
    const own = {
      name: tag,
      kind: 'log' as const,
      namedMs: this.#named(atMs),
      beganMs: atMs,
      endedMs: atMs + 30_000,
    };
    this.backups.push({ ...own, level: 'log', sequences, isWorthless: false, files: [files] });
    await this.#control(atMs + 35_000);
  }

  async #put(
    files: Map<string, Buffer>,
    folder: string,
    what: string,
    bytes: number,
    atMs: number,
  ): Promise<void> {
    const path = `${this.area}/${folder}/o1_mf_${what}_${this.#newUnique()}_.bkp`;
    files.set(path, contentOf(path, bytes));
    await this.world.source.write(path, files.get(path)!, atMs);
  }

  async #control(atMs: number): Promise<void> {
    const named = new Date(this.#named(atMs));
    const days =
      ((named.getUTCFullYear() - 1988) * 12 + named.getUTCMonth()) * 31 + named.getUTCDate() - 1;
    const stamp = days * 86_400 + Math.floor((named.getTime() % DAY_MS) / 1000);
    const path = `${this.area}/autobackup/${this.#day(atMs)}/o1_mf_s_${stamp}_${this.#newUnique()}_.bkp`;
    const bytes = contentOf(path, 400);
    this.#controls.push({ path, bytes, atMs });
    await this.world.source.write(path, bytes, atMs);
  }

  /** `DELETE OBSOLETE` with a recovery window. */
  async #purge(): Promise<void> {
    const { source, nowMs, keptDays } = this.world;
    const oldest = this.backups.findLast(
      ({ level, isWorthless, endedMs }) =>
        level === 0 && !isWorthless && endedMs < nowMs - keptDays * DAY_MS,
    );
    if (oldest === undefined) return;
    for (const backup of this.backups)
      if (backup.endedMs < oldest.beganMs && backup !== oldest) await removeBackup(source, backup);
    for (const { path, atMs } of this.#controls)
      if (atMs < oldest.beganMs && source.files.has(path)) await source.drop(path);
    this.#archived = this.#archived.filter(({ files }) =>
      source.files.has([...files[0]!.keys()][0]!),
    );
  }

  lackOf(backup: RmanBackup, held: Files): string | null {
    const { name, level, endedMs, sequences } = backup;
    if (level === 0 || level === 1)
      return this.#lackOfData(backup, held) ?? this.#lackOfRedo(backup, endedMs, held);
    if (!isHeld(backup, held)) return `${name} is not there as it was written`;
    const closedMs = this.#closedMs.get(sequences.at(-1)!)!;
    const bases = this.backups.filter(
      ({ level: own, beganMs }) => (own === 0 || own === 1) && beganMs <= closedMs,
    );
    // Of a backup that still ran when the log was closed its end is the first time that there is.
    const ways = bases.map(
      (base) =>
        this.#lackOfData(base, held) ??
        this.#lackOfRedo(base, Math.max(closedMs, base.endedMs), held),
    );
    return leastLack(ways, `no backup of the database before ${name}`);
  }

  lackAt(atMs: number, held: Files): string | null {
    const ended = this.backups.filter(
      ({ level, endedMs }) => (level === 0 || level === 1) && endedMs <= atMs,
    );
    const ways = ended.map(
      (base) => this.#lackOfData(base, held) ?? this.#lackOfRedo(base, atMs, held),
    );
    return leastLack(ways, 'no backup of the database had ended by then');
  }

  #lackOfData(backup: RmanBackup, held: Files): string | null {
    const { name, isWorthless, level, base, endedMs } = backup;
    if (isWorthless) return `${name} has died`;
    if (!isHeld(backup, held)) return `${name} is not there as it was written`;
    if (level === 1 && base === undefined) return `${name} has nothing to build on`;
    const isKnown = this.#controls.some(
      ({ path, bytes, atMs }) => atMs >= endedMs && held.get(path)?.equals(bytes) === true,
    );
    if (!isKnown) return `no control file knows of ${name}`;
    return base === undefined ? null : this.#lackOfData(base, held);
  }

  /** Logs that were written from the beginning of a backup to a time. */
  #lackOfRedo({ beganMs, name }: RmanBackup, untilMs: number, held: Files): string | null {
    const all = [...this.#closedMs];
    const last = all.find(([, closedMs]) => closedMs >= untilMs)?.[0];
    if (last === undefined) return `the log of the end of ${name} is not closed`;
    const missing = all.find(
      ([sequence, closedMs]) =>
        closedMs >= beganMs &&
        sequence <= last &&
        !this.backups.some((one) => one.sequences.includes(sequence) && isHeld(one, held)),
    );
    return missing === undefined ? null : `${name} lacks log ${missing[0]}`;
  }

  #named(ms: number): number {
    return ms + this.zoneMs + this.world.aheadMs;
  }

  #day(ms: number): string {
    return new Date(this.#named(ms)).toISOString().slice(0, 10).replaceAll('-', '_');
  }

  #newUnique(): string {
    return `7r${String(++this.#unique).padStart(6, '0')}`;
  }
}
