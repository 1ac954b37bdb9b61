import type { SeededRandom } from '../../fuzz/seeded-random.js';
import {
  contentOf,
  DAY_MS,
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

interface HanaBackup extends Backup {
  /** Of a delta. */
  readonly base?: HanaBackup;
  /** Of data: where the redo log of each volume stood. */
  readonly redoFrom?: ReadonlyMap<number, number>;
  readonly log?: { readonly volume: number; readonly first: number; readonly last: number };
}

const PAGE = 4096;

/** SAP HANA. To a full or a delta it goes without logs; to a log it needs, of each volume, all logs from the position of the data backup on.
 *  Source: SAP HANA administration guide (recovery types; backup and log positions). */
export class HanaTool implements DatabaseTool {
  readonly backups: HanaBackup[] = [];
  readonly reusesNames: boolean;
  readonly #position: Map<number, number>;
  #step = 0;

  /** @param places of data, logs and catalogue
   *  @param prefixOf of a full */
  constructor(
    private readonly world: ToolWorld,
    private readonly places: {
      readonly data: string;
      readonly log: string;
      readonly catalog: string;
    },
    private readonly volumes: readonly number[],
    private readonly prefixOf: (atMs: number) => string,
  ) {
    this.reusesNames = prefixOf(0) === prefixOf(7 * DAY_MS);
    this.#position = new Map(volumes.map((volume) => [volume, 1024]));
  }

  async work(random: SeededRandom): Promise<void> {
    const { world } = this;
    const step = this.#step++;
    const beganMs = world.nowMs - 5 * HOUR_MS;
    // Before the first full no log is backed up.
    if (step > 0) await this.#logs(beganMs - 10 * MINUTE_MS, random);
    if (step % world.dataSteps === 0) {
      const isFull = step === 0 || world.fullsOnly || random.below(3) === 0;
      const dies = isFull && world.isRough && step > 0 && random.below(2) === 0;
      if (isFull) await this.#full(beganMs, random, dies);
      else await this.#delta(beganMs, random);
    }
    await this.#logs(world.nowMs - HOUR_MS, random);
    await this.#purge();
  }

  async #full(beganMs: number, random: SeededRandom, dies: boolean): Promise<void> {
    const id = beganMs + this.world.aheadMs;
    const prefix = this.prefixOf(id);
    const name = `${this.places.data}${prefix}_databackup`;
    const redoFrom = new Map([...this.#position].map(([volume, at]) => [volume, at + 10]));
    const files = new Map<string, Buffer>();
    const put = async (volume: number, pages: number, minutes: number) => {
      const path = `${name}_${volume}_1`;
      const bytes = contentOf(`${path} ${id}`, pages * PAGE, `[BACKUPID]${id} `);
      files.set(path, bytes);
      await this.world.source.write(path, bytes, beganMs + minutes * MINUTE_MS);
    };
    // Files of a backup that had the name before are written over one after the other.
    await put(0, 2, 1);
    const last = this.volumes.at(-1)!;
    const isShort = dies && (this.volumes.length === 1 || random.below(2) === 0);
    for (const volume of this.volumes)
      if (!dies || isShort || volume !== last)
        await put(volume, dies ? 2 : 9 + random.below(4), 50);
    if (random.below(2) === 0) await this.#logs(beganMs + 15 * MINUTE_MS, random);
    const end = { endedMs: beganMs + 50 * MINUTE_MS, isWorthless: dies };
    this.backups.push({ name, kind: 'full', namedMs: id, redoFrom, files: [files], ...end });
    if (!dies) await this.#catalogue(beganMs + 51 * MINUTE_MS);
  }

  async #delta(beganMs: number, random: SeededRandom): Promise<void> {
    const data = this.backups.filter(({ kind, isWorthless }) => kind !== 'log' && !isWorthless);
    const isDifferential = random.below(2) === 0;
    const base = data.findLast(({ kind }) => !isDifferential || kind === 'full')!;
    const id = beganMs + this.world.aheadMs;
    if (id <= base.namedMs) return;
    const kind = isDifferential ? 'differential' : 'incremental';
    const name = `${this.places.data}${this.prefixOf(0)}_databackup_${kind}_${base.namedMs}_${id}`;
    const redoFrom = new Map([...this.#position].map(([volume, at]) => [volume, at + 10]));
    const files = new Map<string, Buffer>();
    for (const volume of [0, ...this.volumes]) {
      const path = `${name}_${volume}_1`;
      files.set(path, contentOf(path, 2 * PAGE, `[BACKUPID]${id} `));
      await this.world.source.write(path, files.get(path)!, beganMs + 20 * MINUTE_MS);
    }
    const end = { endedMs: beganMs + 20 * MINUTE_MS, isWorthless: false };
    this.backups.push({
      name,
      kind: 'increment',
      namedMs: id,
      base,
      redoFrom,
      files: [files],
      ...end,
    });
    await this.#catalogue(beganMs + 21 * MINUTE_MS);
  }

  async #logs(atMs: number, random: SeededRandom): Promise<void> {
    const id = atMs + this.world.aheadMs;
    for (const volume of this.volumes) {
      const first = this.#position.get(volume)!;
      const last = first + 64 * (1 + random.below(9));
      this.#position.set(volume, last);
      const path = `${this.places.log}log_backup_${volume}_0_${first}_${last}.${id}`;
      const bytes = contentOf(path, PAGE);
      await this.world.source.write(path, bytes, atMs);
      const own = { name: path, kind: 'log' as const, namedMs: id, log: { volume, first, last } };
      this.backups.push({
        ...own,
        endedMs: atMs,
        files: [new Map([[path, bytes]])],
        isWorthless: false,
      });
    }
    await this.#catalogue(atMs + 1000);
    // Of a volume alone nobody could tell, as long as no later log of it is there; nor of its first.
    const isFirst = this.backups.filter(({ log }) => log).length === this.volumes.length;
    if (this.world.isRough && !isFirst && random.below(12) === 0)
      for (const log of this.backups.slice(-this.volumes.length))
        await removeBackup(this.world.source, log);
  }

  async #catalogue(atMs: number): Promise<void> {
    const path = `${this.places.catalog}log_backup_0_0_0_0.${atMs + this.world.aheadMs}`;
    await this.world.source.write(path, contentOf(path, PAGE), atMs);
  }

  /** `BACKUP CATALOG DELETE ALL BEFORE BACKUP_ID … COMPLETE` with the newest full that is older than the days that the tool keeps. */
  async #purge(): Promise<void> {
    const { source, nowMs, keptDays } = this.world;
    const fulls = this.backups.filter(({ kind, isWorthless }) => kind === 'full' && !isWorthless);
    const oldest = fulls.findLast(({ endedMs }) => endedMs < nowMs - keptDays * DAY_MS);
    if (oldest === undefined) return;
    for (const backup of this.backups) {
      const { log } = backup;
      const isOld = log
        ? log.last <= oldest.redoFrom!.get(log.volume)!
        : backup.endedMs < oldest.endedMs;
      const isOver = backup.name === oldest.name;
      if (isOld && !isOver) await removeBackup(source, backup);
    }
  }

  lackOf(backup: HanaBackup, held: Files): string | null {
    const { name, isWorthless, base, log } = backup;
    if (isWorthless) return `${name} has died`;
    if (!isHeld(backup, held)) return `${name} is not there as it was written`;
    if (log !== undefined) return this.#lackOfLog(backup, log, held);
    const isListed = [...held.keys()].some((path) => path.includes('log_backup_0_0_0_0'));
    if (!isListed) return 'there is no catalogue';
    return base === undefined ? null : this.lackOf(base, held);
  }

  lackAt(atMs: number, held: Files): string | null {
    const isLater = ({ endedMs }: HanaBackup): boolean => endedMs >= atMs;
    const ways = this.backups
      .filter(({ redoFrom, endedMs }) => redoFrom !== undefined && endedMs <= atMs)
      .map((base) => this.lackOf(base, held) ?? this.#lackOfLogs(base, isLater, held));
    return leastLack(ways, 'no data backup had ended by then');
  }

  /** Of each volume from where the base stands to the first log that reaches far enough. */
  #lackOfLogs(
    { redoFrom, name }: HanaBackup,
    isLast: (log: HanaBackup) => boolean,
    held: Files,
  ): string | null {
    for (const volume of this.volumes) {
      const logs = this.backups.filter(
        ({ log }) => log?.volume === volume && log.last > redoFrom!.get(volume)!,
      );
      const lastAt = logs.findIndex(isLast);
      if (lastAt < 0) return `no log of volume ${volume} was written since`;
      const missing = logs.slice(0, lastAt + 1).find((log) => !isHeld(log, held));
      if (missing !== undefined) return `from ${name} on ${missing.name} is missing`;
    }
    return null;
  }

  #lackOfLog(
    { name, endedMs }: HanaBackup,
    { volume, last }: NonNullable<HanaBackup['log']>,
    held: Files,
  ): string | null {
    const bases = this.backups.filter((one) => (one.redoFrom?.get(volume) ?? last) < last);
    const needed = (base: HanaBackup): HanaBackup[] =>
      this.backups.filter(({ log, endedMs: atMs }) => {
        if (log === undefined || log.last <= base.redoFrom!.get(log.volume)!) return false;
        return log.volume === volume ? log.last <= last : atMs <= endedMs;
      });
    const ways = bases.map((base) => {
      const lack = this.lackOf(base, held);
      const missing = needed(base).find((one) => !isHeld(one, held));
      return (
        lack ?? (missing === undefined ? null : `from ${base.name} on ${missing.name} is missing`)
      );
    });
    return leastLack(ways, `no data backup before ${name}`);
  }
}
