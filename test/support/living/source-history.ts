import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { restorePointKey } from '../../../src/domain/targets/repository-view.js';
import type { CopySessionOutcome, RemoveInput } from '../../../workflows/messages.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import fc from '../properties.js';
import { testJob } from '../session/test-site.js';
import { LocalSessions } from '../workflows/local-sessions.js';
import { CopiesInFolder } from './copies-in-folder.js';
import { BLOCK_BYTES, BLOCKS, LibvirtMachine, type Content } from './libvirt-machine.js';
import { tryHistories, type History, type HistoryParameters } from './try-histories.js';

const DAY_MS = 86_400_000;
const YEARS_MS = 3_653 * DAY_MS;

/** One thing that happens at a source. The value of a change is never 0 by chance: a block of zeros is a change of its own. */
type Event =
  | { readonly type: 'work'; readonly writes: readonly (readonly [number, number])[] }
  | { readonly type: 'full' | 'increment' | 'incrementFromTheFuture' }
  | { readonly type: 'makeAnew'; readonly writes: readonly (readonly [number, number])[] }
  | { readonly type: 'grow' | 'overwrite'; readonly value: number }
  | { readonly type: 'resize'; readonly blocks: number }
  | { readonly type: 'merge' | 'removeOldest' | 'touch' | 'copyElsewhere' | 'move' | 'rollBack' }
  | { readonly type: 'renameFiles' | 'makeNewestAnew' | 'takeOut' }
  | { readonly type: 'session' };

const value = fc.integer({ min: 1, max: 200 });
const writes = fc.array(fc.tuple(fc.nat(BLOCKS - 1), fc.oneof(value, fc.constant(0))), {
  maxLength: 3,
});
const anEvent: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('work' as const), writes }) },
  { weight: 3, arbitrary: fc.constant({ type: 'full' as const }) },
  { weight: 6, arbitrary: fc.constant({ type: 'increment' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'incrementFromTheFuture' as const }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('makeAnew' as const), writes }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('grow' as const), value }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('overwrite' as const), value }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('resize' as const),
      blocks: fc.integer({ min: 6, max: 24 }),
    }),
  },
  {
    weight: 7,
    arbitrary: fc
      .constantFrom(
        ...(['merge', 'removeOldest', 'touch', 'copyElsewhere', 'move', 'rollBack'] as const),
        ...(['renameFiles', 'makeNewestAnew', 'takeOut'] as const),
      )
      .map((type) => ({ type })),
  },
  { weight: 8, arbitrary: fc.constant({ type: 'session' as const }) },
);

/** How the job copies, and what its storage says of its files. */
interface Way {
  readonly mode: 'periodic' | 'immediate';
  readonly restorePoints: 'all' | 'latest';
  readonly stamps: 'strong' | 'weak';
  /** With `requireNewJob` an operator looks at what it says, and lets it go on. */
  readonly onSourceChainRecreated: 'startNewChain' | 'requireNewJob';
}

/** The most usual ones come first: a history that fails is shrunk towards them. */
const aWay: fc.Arbitrary<Way> = fc.record({
  mode: fc.constantFrom('periodic', 'immediate'),
  restorePoints: fc.constantFrom('all', 'latest'),
  stamps: fc.constantFrom('strong', 'weak'),
  onSourceChainRecreated: fc.constantFrom('startNewChain', 'requireNewJob'),
});

/** A source, a target, and what each date has ever shown. */
class SourceHistory implements History<Event> {
  readonly machine: LibvirtMachine;
  /** By date: all that a backup of this date has shown, the last at the end. */
  private readonly shown = new Map<number, Content[]>();
  private nowMs = Date.UTC(2026, 9, 1, 20);
  private rolledBackTo: Content | null = null;
  private readonly copies: CopiesInFolder;
  /** Dates of backups that somebody has written something else over. */
  private readonly overwritten = new Set<number>();
  /** By date: what the source showed as an operator removed the copy. */
  private readonly takenOut = new Map<number, string>();

  private constructor(
    private readonly folder: string,
    private readonly way: Way,
  ) {
    this.machine = new LibvirtMachine(join(folder, 'primary'), join(folder, 'live.raw'));
    this.copies = new CopiesInFolder(join(folder, 'offsite', 'nightly'), join(folder, 'shown.raw'));
  }

  static async begin(way: Way): Promise<SourceHistory> {
    const folder = await mkdtemp(join(tmpdir(), 'longhaul-history-'));
    await mkdir(join(folder, 'primary'));
    await mkdir(join(folder, 'offsite'));
    await writeFile(join(folder, 'live.raw'), Buffer.alloc(BLOCKS * BLOCK_BYTES));
    const history = new SourceHistory(folder, way);
    await history.machine.full(history.nextDate());
    history.note();
    return history;
  }

  end(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  settle(): Promise<void> {
    return this.happen({ type: 'session' });
  }

  async happen(event: Event): Promise<void> {
    const { machine } = this;
    switch (event.type) {
      case 'work':
        machine.work(event.writes);
        break;
      case 'full':
        await machine.full(this.nextDate());
        break;
      case 'increment':
        await machine.increment(this.nextDate());
        break;
      case 'incrementFromTheFuture':
        await machine.increment(this.nextDate() + YEARS_MS);
        break;
      case 'makeAnew':
        await machine.removeAll();
        machine.work(event.writes);
        await machine.full(this.nextDate());
        break;
      case 'rollBack':
        if (this.rolledBackTo !== null) machine.content = [...this.rolledBackTo];
        this.rolledBackTo = [...machine.content];
        await machine.full(this.nextDate());
        break;
      case 'grow':
        await machine.growNewest(event.value);
        break;
      case 'overwrite': {
        const newest = machine.backups.at(-1)!;
        if (!(await machine.overwriteNewest(event.value))) break;
        this.overwritten.add(newest.createdAtMs);
        machine.content = [...machine.shows(newest)];
        break;
      }
      case 'makeNewestAnew':
        await machine.makeNewestAnew();
        this.overwritten.add(machine.backups.at(-1)!.createdAtMs);
        break;
      case 'resize':
        machine.resize(event.blocks);
        break;
      case 'renameFiles':
        await machine.renameFiles();
        break;
      case 'takeOut':
        await this.takeOut();
        break;
      case 'merge':
        await machine.mergeOldest();
        break;
      case 'removeOldest':
        await machine.removeOldestChain();
        break;
      case 'touch':
        await machine.touchAll();
        break;
      case 'copyElsewhere':
        await machine.copyElsewhere();
        break;
      case 'move':
        await machine.moveFolder();
        break;
      case 'session':
        await this.session();
    }
    this.note();
  }

  /** The promise: every point of the target shows what a backup of its date has shown, and the newest of each date what it shows now; nothing
   *  that the source shows is missing, or, where the job asks for the latest alone, not that. Where somebody has written over a backup, the session has to say so of that
   *  one instead. What an operator has removed stays away as long as the source shows the same. */
  async session(): Promise<void> {
    const outcome = await this.copyAsDecided();
    const points = await this.targetPoints();
    for (const { dateMs, content } of points)
      assert.ok(
        this.shown.get(dateMs)?.map(String).includes(String(content)),
        `${new Date(dateMs).toISOString()} never showed ${String(content)}`,
      );
    const now = new Map(points.map(({ dateMs, content }) => [dateMs, content]));
    const { backups } = this.machine;
    // Of one from the future and those after it any may count as the latest.
    const newestMs = Math.max(...backups.map(({ createdAtMs }) => createdAtMs));
    const latest = [backups.at(-1)!.createdAtMs, newestMs];
    // Of a chain that was made anew the latest alone is copied again then, and the copies of before stay.
    const copied = backups.filter(
      ({ createdAtMs }) =>
        this.way.restorePoints === 'all' || (latest.includes(createdAtMs) && now.has(createdAtMs)),
    );
    const told = JSON.stringify(outcome);
    for (const backup of copied) {
      const { createdAtMs } = backup;
      const shows = this.machine.shows(backup);
      if (String(now.get(createdAtMs)) === String(shows)) continue;
      if (this.isTakenOut(backup, now)) continue;
      if (this.overwritten.has(createdAtMs) && /other content/.test(told)) continue;
      assert.deepEqual(
        now.get(createdAtMs),
        shows,
        `${new Date(createdAtMs).toISOString()} is another one in the target: ${told}`,
      );
    }
    assert.ok(
      backups.some(
        (backup) =>
          latest.includes(backup.createdAtMs) &&
          (now.has(backup.createdAtMs) || this.isTakenOut(backup, now)),
      ),
      `the latest is missing: ${told}`,
    );
  }

  /** Whether an operator has removed its copy, and it is the same backup still; of one before a copied one it may be another, too (ADR 11). */
  private isTakenOut(
    backup: LibvirtMachine['backups'][number],
    now: ReadonlyMap<number, Content>,
  ): boolean {
    const { backups } = this.machine;
    const was = this.takenOut.get(backup.createdAtMs);
    if (was === undefined || now.has(backup.createdAtMs)) return false;
    const behind = backups.slice(backups.indexOf(backup) + 1);
    const isBefore = behind.some(({ createdAtMs }) => now.has(createdAtMs));
    return was === String(this.machine.shows(backup)) || isBefore;
  }

  /** An operator removes the newest copy, unless it is the last one. */
  private async takeOut(): Promise<void> {
    const points = await this.targetPoints();
    const newest = points.at(-1);
    if (newest === undefined || points.length === 1) return;
    const input: RemoveInput = {
      repositoryId: 'offsite',
      restorePointId: restorePointKey(['nightly', points.workloadId, newest.id]),
      mode: 'delete',
      withDependents: true,
    };
    const { result } = await (await this.sessions()).remove(input, this.nowMs);
    assert.equal(result, 'success');
    const source = this.machine.backups.find(({ createdAtMs }) => createdAtMs === newest.dateMs);
    if (source !== undefined) this.takenOut.set(newest.dateMs, String(this.machine.shows(source)));
  }

  /** Where the job stops for a chain that was made anew, there has to be one, and nothing is touched until somebody has said that it was meant. */
  private async copyAsDecided(): Promise<CopySessionOutcome> {
    const { onSourceChainRecreated } = this.way;
    const before = await this.targetPoints();
    const outcome = await this.copy(onSourceChainRecreated);
    if (onSourceChainRecreated === 'startNewChain' || outcome.result !== 'actionRequired')
      return outcome;
    const told = JSON.stringify(outcome);
    assert.deepEqual(
      [...(await this.targetPoints())],
      [...before],
      `something was copied: ${told}`,
    );
    const copies = new Map(before.map(({ dateMs, content }) => [dateMs, String(content)]));
    const isKnown = this.machine.backups.some(
      (backup) => copies.get(backup.createdAtMs) === String(this.machine.shows(backup)),
    );
    const isOverwritten = this.machine.backups.some(({ createdAtMs }) =>
      this.overwritten.has(createdAtMs),
    );
    assert.ok(!isKnown || isOverwritten, `the chain is the one that was copied: ${told}`);
    return this.copy('startNewChain');
  }

  private async sessions(): Promise<LocalSessions> {
    const stampsProve = this.way.stamps === 'strong';
    const open = (id: string) => {
      const rootPath = join(this.folder, id);
      return openDirectoryRepository({ id, rootPath, readOnly: id === 'primary', stampsProve });
    };
    return new LocalSessions([await open('primary'), await open('offsite')]);
  }

  private async copy(
    onSourceChainRecreated: Way['onSourceChainRecreated'],
  ): Promise<CopySessionOutcome> {
    const { mode, restorePoints } = this.way;
    const job = testJob({
      ...{ mode, restorePoints, onSourceChainRecreated },
      retention: { type: 'restorePoints', value: 100 },
    });
    this.nowMs += DAY_MS / 24;
    return (await this.sessions()).copy(job, this.nowMs);
  }

  /** From the commit record alone, read by qemu-img. */
  private async targetPoints(): Promise<TargetPoints> {
    const chain = await this.copies.chain('libvirt-');
    const points: TargetPoints = Object.assign([], { workloadId: '' });
    if (chain === null) return points;
    const { record } = JSON.parse(await readFile(join(chain, 'chain.json'), 'utf8')) as {
      record: {
        workload: { id: string };
        points: { id: string; createdAt: string; state: string; disks: { path: string }[] }[];
      };
    };
    points.workloadId = record.workload.id;
    for (const { id, createdAt, state, disks } of record.points) {
      if (state !== 'available') continue;
      const content = fillsOf(await this.copies.shown(join(chain, disks[0]!.path)));
      points.push({ id, dateMs: Date.parse(createdAt), content });
    }
    return points;
  }

  private note(): void {
    for (const backup of this.machine.backups) {
      const shows = this.machine.shows(backup);
      const before = this.shown.get(backup.createdAtMs) ?? [];
      if (String(before.at(-1)) !== String(shows))
        this.shown.set(backup.createdAtMs, [...before, shows]);
    }
  }

  private nextDate(): number {
    this.nowMs += DAY_MS;
    return this.nowMs;
  }
}

/** In the order of the chain. */
type TargetPoints = { id: string; dateMs: number; content: Content }[] & { workloadId: string };

/** The bytes that fill the blocks; -1: a block that is not of one byte. */
export function fillsOf(raw: Buffer): number[] {
  return Array.from({ length: raw.length / BLOCK_BYTES }, (_, index) => {
    const block = raw.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES);
    return block.equals(Buffer.alloc(BLOCK_BYTES, block[0])) ? block[0]! : -1;
  });
}

/** Tries random histories of a source.
 *  @throws with the events of one that shows a fault */
export function trySourceHistories(parameters: HistoryParameters): Promise<void> {
  const begin = (way: Way) => SourceHistory.begin(way);
  const model = { rules: aWay, event: anEvent, begin, length: 24, leastLength: 6 };
  return tryHistories(model, parameters);
}
