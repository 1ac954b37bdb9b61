import type { SeededRandom } from '../../fuzz/seeded-random.js';
import {
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
import { mtfBackup } from './mtf-writer.js';

interface MssqlBackup extends Backup {
  readonly is: 'full' | 'diff' | 'log';
  readonly firstLsn: number;
  readonly lastLsn: number;
  readonly checkpointLsn: number;
  /** Of a differential. */
  readonly base?: MssqlBackup;
  readonly isCopyOnly: boolean;
}

/** How somebody names files: with a folder for each kind, in one folder, or the same file each time. */
export type MssqlNaming = 'ola' | 'plan' | 'own';

const SERVER = 'SRV1';

/** SQL Server. From a full, and a differential of it, a database goes along logs whose numbers join. Source: learn.microsoft.com, Restore Sequences; Full File
 *  Backups, RESTORE HEADERONLY (FirstLSN, LastLSN, CheckpointLSN, DatabaseBackupLSN). */
export class MssqlTool implements DatabaseTool {
  readonly backups: MssqlBackup[] = [];
  readonly reusesNames: boolean;
  #lsn = 1000;
  #logEnd = 0;
  #step = 0;

  /** @param folder in which the tool makes its own, with a slash behind; `''` is the root */
  constructor(
    private readonly world: ToolWorld,
    private readonly folder: string,
    private readonly database: string,
    private readonly naming: MssqlNaming,
  ) {
    this.reusesNames = naming === 'own';
  }

  async work(random: SeededRandom): Promise<void> {
    const { world } = this;
    const step = this.#step++;
    const beganMs = world.nowMs - 5 * HOUR_MS;
    if (step > 0) await this.#back('log', beganMs - 10 * MINUTE_MS, {});
    if (step % world.dataSteps === 0) {
      const isFull = step === 0 || world.fullsOnly || random.below(3) === 0;
      // Beside a full that is to come: one that dies, or one for somebody's own use.
      const beside = world.isRough && isFull && step > 0 ? random.below(6) : 6;
      if (beside < 4) {
        const how = beside < 2 ? { dies: true } : { isCopyOnly: true };
        await this.#back('full', beganMs - HOUR_MS, how);
      }
      await this.#back(isFull ? 'full' : 'diff', beganMs, {});
    }
    await this.#back('log', world.nowMs - HOUR_MS, {});
    if (world.isRough && random.below(8) === 0) await this.#callAnew(random);
    if (world.isRough && random.below(12) === 0)
      await removeBackup(world.source, random.oneOf(this.backups));
    await this.#purge();
  }

  async #back(
    is: MssqlBackup['is'],
    atMs: number,
    {
      dies = false,
      isCopyOnly = false,
    }: { readonly dies?: boolean; readonly isCopyOnly?: boolean },
  ): Promise<void> {
    const localMs = atMs + this.world.aheadMs;
    const base =
      is === 'diff'
        ? this.backups.findLast((one) => one.is === 'full' && !one.isWorthless && !one.isCopyOnly)
        : undefined;
    const start = this.#lsn;
    this.#lsn += 20;
    const numbers =
      is === 'log'
        ? { firstLsn: this.#logEnd, lastLsn: start + 15, checkpointLsn: start + 2 }
        : { firstLsn: start, lastLsn: start + 9, checkpointLsn: start + 2 };
    if (is === 'log') this.#logEnd = numbers.lastLsn;
    else if (this.#logEnd === 0) this.#logEnd = start;
    const lastFull = this.backups.findLast(
      (one) => one.is === 'full' && !one.isWorthless && !one.isCopyOnly,
    );
    const whole = mtfBackup({
      ...{
        kind: is === 'full' ? 'D' : is === 'diff' ? 'I' : 'L',
        database: this.database,
        server: SERVER,
      },
      ...{ ...numbers, localMs, dataBytes: is === 'full' ? 4096 : 1024 },
      databaseLsn: is === 'full' ? 0 : ((base ?? lastFull)?.checkpointLsn ?? 0),
    });
    const bytes = dies ? whole.subarray(0, 2048) : whole;
    const path = `${this.folder}${this.#nameOf(is, localMs, isCopyOnly)}`;
    await this.world.source.write(path, bytes, atMs + 3 * MINUTE_MS);
    this.backups.push({
      ...{ name: path, namedMs: Math.floor(localMs / 1000) * 1000, endedMs: atMs + 3 * MINUTE_MS },
      ...{ kind: is === 'diff' ? 'increment' : is, is, isCopyOnly, isWorthless: dies, ...numbers },
      ...(base === undefined ? {} : { base }),
      files: [new Map([[path, bytes]])],
    });
  }

  #nameOf(is: MssqlBackup['is'], localMs: number, isCopyOnly: boolean): string {
    const { database } = this;
    const digits = digitsOf(localMs).replace('T', '_');
    const ending = is === 'log' ? 'trn' : 'bak';
    if (isCopyOnly && this.naming !== 'ola')
      return `${database}_before_upgrade_${digits.slice(0, 8)}.bak`;
    if (this.naming === 'ola') {
      const copyOnly = isCopyOnly ? '_COPY_ONLY' : '';
      const kind = is.toUpperCase();
      return `${SERVER}/${database}/${kind}${copyOnly}/${SERVER}_${database}_${kind}${copyOnly}_${digits}.${ending}`;
    }
    const iso = new Date(localMs).toISOString();
    const dated = `${iso.slice(0, 10).replaceAll('-', '_')}_${digits.slice(9)}_1234567`;
    if (this.naming === 'plan') return `${database}_backup_${dated}.${ending}`;
    return is === 'log' ? `${database}_${digits}.trn` : `${database}_${is}.bak`;
  }

  /** As people do with a backup that they want to keep. */
  async #callAnew(random: SeededRandom): Promise<void> {
    const { source } = this.world;
    const here = this.backups.filter((one) => isHeld(one, source.files));
    if (here.length === 0) return;
    const backup = random.oneOf(here);
    const [path, bytes] = [...backup.files.at(-1)!][0]!;
    const to = `${path.slice(0, path.lastIndexOf('/') + 1)}kept_${backup.lastLsn}${path.slice(-4)}`;
    if (source.files.has(to) || !source.files.get(path)?.equals(bytes)) return;
    await source.call(path, to);
    this.backups[this.backups.indexOf(backup)] = {
      ...backup,
      files: [...backup.files, new Map([[to, bytes]])],
    };
  }

  /** Each kind by its age alone, as cleanup tasks do. */
  async #purge(): Promise<void> {
    const { source, nowMs, keptDays } = this.world;
    for (const backup of this.backups) {
      const { is, endedMs, files } = backup;
      const days = is === 'log' ? Math.max(1, keptDays - 1) : keptDays;
      const isThere = [...files[0]!].some(([path, bytes]) => source.files.get(path)?.equals(bytes));
      if (isThere && endedMs < nowMs - days * DAY_MS)
        await removeBackup(source, { ...backup, files: [files[0]!] });
    }
  }

  lackOf(backup: MssqlBackup, held: Files): string | null {
    const { name, isWorthless, is } = backup;
    if (isWorthless) return `${name} has died`;
    if (!isHeld(backup, held)) return `${name} is not there as it was written`;
    if (is === 'full') return null;
    if (is === 'diff') return this.#lackOfBase(backup, held);
    const bases = this.backups.filter((one) => one.is !== 'log' && one.lastLsn <= backup.lastLsn);
    const ways = bases.map(
      (base) => this.lackOf(base, held) ?? this.#lackOfLogs(base, backup, held),
    );
    return leastLack(ways, `no full before ${name}`);
  }

  lackAt(atMs: number, held: Files): string | null {
    const last = this.backups.find(({ is, endedMs }) => is === 'log' && endedMs >= atMs);
    if (last === undefined) return 'no log was backed up since';
    const ended = this.backups.filter(
      ({ is, endedMs, lastLsn }) => is !== 'log' && endedMs <= atMs && lastLsn <= last.lastLsn,
    );
    return leastLack(
      ended.map((base) => this.lackOf(base, held) ?? this.#lackOfLogs(base, last, held)),
      'no full had ended by then',
    );
  }

  #lackOfLogs(base: MssqlBackup, last: MssqlBackup, held: Files): string | null {
    const missing = this.backups.find(
      (one) =>
        one.is === 'log' &&
        one.lastLsn >= base.lastLsn &&
        one.lastLsn <= last.lastLsn &&
        !isHeld(one, held),
    );
    return missing === undefined ? null : `from ${base.name} on ${missing.name} is missing`;
  }

  #lackOfBase({ name, base }: MssqlBackup, held: Files): string | null {
    if (base === undefined) return `${name} has no full`;
    const lack = this.lackOf(
      this.backups.find((one) => one.lastLsn === base.lastLsn)!,
      held,
    );
    return lack;
  }
}
