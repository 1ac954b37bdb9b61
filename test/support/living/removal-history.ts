import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  BackupRepository,
  FolderRepository,
} from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import type { CopySessionOutcome } from '../../../workflows/messages.js';
import fc from '../properties.js';
import {
  anEvent,
  MACHINES_OF_A_SHARE,
  SHARES,
  type Event,
  type Mount,
  type Share,
} from './removal-events.js';
import { tryHistories, type History, type HistoryParameters } from './try-histories.js';
import { testJob } from '../session/test-site.js';
import { denied } from '../tree/storage-answers.js';
import { LocalSessions } from '../workflows/local-sessions.js';
import { CopiesInFolder, isoOf } from './copies-in-folder.js';
import { GrowingSource } from './growing-source.js';

const DAY_MS = 86_400_000;
const FIRST_MS = Date.UTC(2026, 9, 1, 20);

/** What was asked for. */
interface Rules {
  /** `removedWorkloadsAfterDays`. */
  readonly afterDays: number;
  readonly immutableForDays: number;
}

interface Machine {
  /** Folder in its share, while it is there. */
  name: string;
  readonly share: Share;
  source: GrowingSource;
  isThere: boolean;
  /** Nobody may list its folder. */
  isForbidden: boolean;
  /** It lies in the part of the share that is not mounted. */
  isHidden: boolean;
  /** Where its folder lies. */
  path: string;
  /** What is known of each name that it has had. */
  readonly names: Map<string, Named>;
}

/** A name under which copies were made. */
interface Named {
  /** The machine lay in its share under this name, whether or not that was to be seen. */
  lastThereMs: number;
  /** Looks since then, by the true clock. */
  looks: number[];
  /** One of them went by a clock that was wrong. */
  hasWrongClock: boolean;
  /** The first session that warned of it. */
  warnedMs: number | null;
  /** The last session could see it. */
  wasShown: boolean;
  /** When it was first missed, nothing else was, and by a true clock. */
  isMissedAlone: boolean;
  /** A session that could see it went by a clock that was wrong: when its copies were made is not what they say. */
  hasWrongCopies: boolean;
  /** By date: digest of the bytes of its own disk. */
  points: ReadonlyMap<number, string>;
}

/** Machines in two shares that come and go, beside what may be deleted of their copies, by dates alone. */
class RemovalHistory implements History<Event> {
  private nowMs = FIRST_MS;
  private readonly machines: Machine[] = [];
  private readonly mounts = new Map<Share, Mount>();
  private renames = 0;
  private readonly copies: CopiesInFolder;

  private constructor(
    private readonly folder: string,
    private readonly rules: Rules,
  ) {
    this.copies = new CopiesInFolder(join(folder, 'offsite', 'nightly'), join(folder, 'shown.raw'));
  }

  static async begin(rules: Rules): Promise<RemovalHistory> {
    const history = new RemovalHistory(await mkdtemp(join(tmpdir(), 'longhaul-removals-')), rules);
    for (const place of ['offsite', 'gone', 'hidden', ...SHARES])
      await mkdir(join(history.folder, place));
    for (const share of SHARES) {
      history.mounts.set(share, 'all');
      for (let number = 1; number <= MACHINES_OF_A_SHARE; number++)
        await history.addMachine(share, `${share}vm${number}`);
    }
    await history.session(0, false);
    return history;
  }

  end(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  async happen(event: Event): Promise<void> {
    switch (event.type) {
      case 'days':
        this.nowMs += event.count * DAY_MS;
        if (event.isBackedUp) await this.backUp();
        break;
      case 'remove':
      case 'restore':
        await this.setThere(this.machines[event.machine]!, event.type === 'restore');
        break;
      case 'rename':
        await this.rename(this.machines[event.machine]!);
        break;
      case 'forbid': {
        const machine = this.machines[event.machine]!;
        machine.isForbidden = !machine.isForbidden;
        break;
      }
      case 'empty':
      case 'away':
      case 'half':
      case 'mount':
        await this.mount(event.share, event.type === 'mount' ? 'all' : event.type);
        break;
      case 'hide':
        await this.hide(event);
        break;
      case 'session':
        await this.session(event.clockDays, event.losesAnswers);
    }
  }

  /** All that can be seen is seen again, each day: what was removed by itself goes with its time, and nothing else. */
  async settle(): Promise<void> {
    for (const share of SHARES) await this.mount(share, 'all');
    for (const machine of this.machines) {
      machine.isForbidden = false;
      if (machine.names.get(machine.name)?.isMissedAlone !== true)
        await this.setThere(machine, true);
    }
    const { afterDays, immutableForDays } = this.rules;
    // The session before may have gone by a clock that was ahead: a day, and three for the warning.
    for (let day = 0; day < Math.max(afterDays, immutableForDays) + 6; day++) {
      this.nowMs += DAY_MS;
      await this.session(0, false);
    }
    for (const { name, isThere, names } of this.machines) {
      const { points, hasWrongCopies } = names.get(name)!;
      if (isThere) assert.ok(points.size > 0, `${name} is not copied`);
      // A point is immutable from the date that a clock gave it which was ahead.
      else if (immutableForDays === 0 || !hasWrongCopies)
        assert.equal(points.size, 0, `${name} is gone, and its copies stay`);
    }
  }

  private async session(clockDays: number, losesAnswers: boolean): Promise<void> {
    this.nowMs += 3_600_000;
    const missed = this.allNames().filter(({ machine, name }) => !this.isShown(machine, name));
    // One leap of the clock is what the rule stands (ADR 10).
    const isWrong = clockDays !== 0 && missed.every(({ known }) => !known.hasWrongClock);
    for (const { machine, name, known } of this.allNames())
      if (machine.isThere && machine.name === name)
        Object.assign(known, { lastThereMs: this.nowMs, looks: [], hasWrongClock: false });
    for (const { machine, known } of missed) {
      if (known.looks.length === 0) known.isMissedAlone = this.isAlone(machine) && !isWrong;
      known.looks.push(this.nowMs);
      known.hasWrongClock ||= isWrong;
    }
    for (const { machine, name, known } of this.allNames())
      if ((known.wasShown = this.isShown(machine, name))) known.hasWrongCopies ||= isWrong;
    const job = testJob({
      sources: { include: SHARES.map((repositoryId) => ({ repositoryId })), exclude: [] },
      retention: { type: 'restorePoints', value: 2 },
      onSourceChainRecreated: 'startNewChain',
      removedWorkloadsAfterDays: this.rules.afterDays,
    });
    const sessions = await this.sessions(losesAnswers);
    const atMs = this.nowMs + (isWrong ? clockDays * DAY_MS : 0);
    const outcome = await sessions.tryToCopy(job, atMs);
    for (const { machine, name, known } of this.allNames())
      await this.judge(machine, name, known, isWrong, outcome);
  }

  /** The promise: copies of a machine that is not there any more stay as they are, and go as a whole, after so many days at the least, and a warning; of any
   *  machine what is immutable stays as it was. */
  private async judge(
    machine: Machine,
    name: string,
    known: Named,
    isWrong: boolean,
    outcome: CopySessionOutcome,
  ): Promise<void> {
    const before = known.points;
    const copied = await this.copies.points(name);
    known.points = new Map([...copied].map(([date, { digest }]) => [date, digest]));
    const isThere = machine.isThere && machine.name === name;
    const told = `${isoOf(this.nowMs)} ${JSON.stringify(outcome)}`;
    const dates = [...known.points.keys()];
    if (!isThere && dates.length > 0)
      assert.deepEqual(dates, [...before.keys()], `copies of ${name} changed: ${told}`);
    const spans = known.looks.slice(1).map((at, index) => at - known.looks[index]!);
    const leapMs = known.hasWrongClock ? 3 * Math.max(DAY_MS, ...spans) : 0;
    // Ages count from a day after the newest point at most: so much a clock that is wrong may be believed (ADR 9).
    const isTrue = !isWrong && !known.hasWrongClock && !known.hasWrongCopies;
    const spanMs = this.rules.immutableForDays * DAY_MS - (isTrue ? 0 : DAY_MS + leapMs);
    for (const [date, digest] of before)
      assert.ok(
        known.points.get(date) === digest || this.nowMs >= date + spanMs,
        `${isoOf(date)} of ${name} was immutable, and is gone or another: ${told}`,
      );
    if (before.size > 0 && dates.length === 0) {
      assert.ok(!isThere, `${name} is there, and its copies were deleted: ${told}`);
      const goneMs = this.nowMs - known.looks[0]! + leapMs;
      assert.ok(
        goneMs >= this.rules.afterDays * DAY_MS,
        `copies of ${name}, last there ${isoOf(known.lastThereMs)}, are deleted: ${told}`,
      );
      assert.ok(
        known.warnedMs !== null &&
          (known.hasWrongClock || this.nowMs - known.warnedMs >= 3 * DAY_MS),
        `no session warned of ${name}: ${told}`,
      );
    }
    const isWarned = outcome.tasks.some(
      ({ workload, result }) => workload === name && result === 'warning',
    );
    known.warnedMs = isThere ? null : (known.warnedMs ?? (isWarned ? this.nowMs : null));
  }

  private allNames() {
    return this.machines.flatMap((machine) =>
      [...machine.names].map(([name, known]) => ({ machine, name, known })),
    );
  }

  private isShown(machine: Machine, name: string): boolean {
    const mount = this.mounts.get(machine.share);
    return (
      machine.isThere &&
      machine.name === name &&
      !machine.isForbidden &&
      !machine.isHidden &&
      (mount === 'all' || mount === 'half')
    );
  }

  /** All that is not shown otherwise is this machine. */
  private isAlone(machine: Machine): boolean {
    return this.machines.every((other) => other === machine || this.isShown(other, other.name));
  }

  private async addMachine(share: Share, name: string): Promise<void> {
    const machine: Machine = {
      ...{ name, share, isThere: true, isForbidden: false, isHidden: false, names: new Map() },
      path: join(this.folder, share, name),
      source: new GrowingSource(await this.open(share, false), name, { blockCount: 2 }),
    };
    this.name(machine, name);
    await machine.source.backUp(this.nowMs, 'full');
    this.machines.push(machine);
  }

  private name(machine: Machine, name: string): void {
    machine.name = name;
    machine.source.folder = name;
    machine.names.set(name, {
      ...{ lastThereMs: this.nowMs, looks: [], hasWrongClock: false, warnedMs: null },
      ...{ wasShown: false, isMissedAlone: false, hasWrongCopies: false, points: new Map() },
    });
  }

  private async backUp(): Promise<void> {
    for (const machine of this.machines)
      if (this.isShown(machine, machine.name)) {
        machine.source.rewrite(0);
        machine.source.repository = await this.open(machine.share, false);
        await machine.source.backUp(this.nowMs, 'incremental');
      }
  }

  private async setThere(machine: Machine, isThere: boolean): Promise<void> {
    if (this.mounts.get(machine.share) !== 'all') return;
    machine.isThere = isThere;
    await this.move(machine);
  }

  private async rename(machine: Machine): Promise<void> {
    if (!this.isShown(machine, machine.name)) return;
    this.name(machine, `renamed${String.fromCharCode(97 + this.renames++)}`);
    await this.move(machine);
  }

  private async mount(share: Share, to: Mount): Promise<void> {
    const root = join(this.folder, share);
    const mounted = join(this.folder, `mounted-${share}`);
    const from = this.mounts.get(share)!;
    if (from === 'empty' || from === 'away') {
      await rm(root, { recursive: true, force: true });
      await rename(mounted, root);
    }
    const all = this.machines.filter((machine) => machine.share === share);
    // Less would be no reason for doubt, nor one that was missed before (ADR 10).
    const half = all.filter(({ name, isThere, names }) => isThere && names.get(name)!.wasShown);
    const isHalf = to === 'half' && half.length >= 2;
    this.mounts.set(share, to === 'half' && !isHalf ? 'all' : to);
    for (const machine of all) {
      machine.isHidden = isHalf && half.indexOf(machine) < 2 && half.includes(machine);
      await this.move(machine);
    }
    if (to === 'empty' || to === 'away') await rename(root, mounted);
    if (to === 'empty') await mkdir(root);
  }

  private async hide({
    what,
    machine: number,
    moreDays,
    losesAnswers,
    comesBack,
  }: Extract<Event, { type: 'hide' }>): Promise<void> {
    const machine = this.machines[number]!;
    if (what === 'forbidden') machine.isForbidden = true;
    else await this.mount(machine.share, what);
    for (let day = 0; day < this.rules.afterDays + moreDays; day++) {
      this.nowMs += DAY_MS;
      await this.session(0, losesAnswers);
    }
    if (!comesBack) return;
    machine.isForbidden = false;
    await this.mount(machine.share, 'all');
  }

  /** To where it is to lie. */
  private async move(machine: Machine): Promise<void> {
    const { name, share, isThere, isHidden } = machine;
    const path = join(this.folder, !isThere ? 'gone' : isHidden ? 'hidden' : share, name);
    if (path !== machine.path) await rename(machine.path, path);
    machine.path = path;
  }

  private open(id: string, readOnly: boolean) {
    return openDirectoryRepository({ id, rootPath: join(this.folder, id), readOnly });
  }

  private async sessions(losesAnswers: boolean): Promise<LocalSessions> {
    const shares = SHARES.map((share) => this.openShare(share));
    const repositories = await Promise.all([...shares, this.open('offsite', false)]);
    const losesAnswer = (_: string, attempt: number) => losesAnswers && attempt === 1;
    const { immutableForDays } = this.rules;
    return new LocalSessions(repositories, { losesAnswer, immutableForDays });
  }

  private async openShare(share: Share): Promise<BackupRepository> {
    const rootPath = join(this.folder, share);
    const isAway = this.mounts.get(share) === 'away';
    if (isAway) await mkdir(rootPath);
    const repository: FolderRepository & { keepingFolders?: unknown } = await this.open(
      share,
      true,
    );
    if (isAway) await rm(rootPath, { recursive: true });
    const forbidden = this.machines.filter((machine) => machine.isForbidden);
    const { list } = repository;
    repository.list = (folder) =>
      forbidden.some(({ name }) => name === folder)
        ? Promise.reject(denied(folder))
        : list.call(repository, folder);
    // It would list by itself.
    delete repository.keepingFolders;
    return repository;
  }
}

const someRules: fc.Arbitrary<Rules> = fc.record({
  afterDays: fc.constantFrom(2, 4, 9),
  // More than the copies of what is gone would stay by themselves, and less.
  immutableForDays: fc.constantFrom(0, 0, 6, 12),
});

/** Tries random histories of machines that are removed, renamed, hidden by their storage, and come back.
 *  @throws with the events of one that shows a fault */
export function tryRemovalHistories(parameters: HistoryParameters, length = 40): Promise<void> {
  const begin = (rules: Rules) => RemovalHistory.begin(rules);
  return tryHistories({ rules: someRules, event: anEvent, begin, length }, parameters);
}
