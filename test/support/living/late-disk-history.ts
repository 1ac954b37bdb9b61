import assert from 'node:assert/strict';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { availablePoints } from '../../../src/chain/chain-record.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import { ImageStack } from '../../../src/mover/blocks/image-stack.js';
import { targetLayersOf } from '../../../src/mover/copy/scan-plan.js';
import type { CopySessionOutcome } from '../../../workflows/messages.js';
import { InProcessMover } from '../mover/in-process-mover.js';
import fc from '../properties.js';
import { SimulatedRepository } from '../repository/simulated-repository.js';
import { testJob } from '../session/test-site.js';
import { LocalSessions } from '../workflows/local-sessions.js';
import { GrowingSource } from './growing-source.js';
import { tryHistories, type History, type HistoryParameters } from './try-histories.js';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const FIRST_MS = Date.UTC(2026, 9, 1, 20);
const DISKS = ['3d5c0f8e-2b71-4c9d-8e46-a1f7b2d39c11', '9e81a4b2-6f0d-4537-b2c8-7d4e0a5f6c22'];
/** docs/OPERATIONS.md, When a restore point is whole: so many times the settle time where a disk is lacking that the point before has. */
const LACKING_FACTOR = 10;

interface Rules {
  readonly settleSeconds: number;
  readonly mode: 'periodic' | 'immediate';
}

type Event =
  /** The tool writes the first disk at once, and the other one so much later. */
  | { readonly type: 'backUp'; readonly kind: 'full' | 'incremental'; readonly lateSeconds: number }
  /** The tool writes on into a file of its newest backup. */
  | { readonly type: 'grow'; readonly disk: number }
  /** The machine has one disk from now on. */
  | { readonly type: 'dropDisk' }
  | { readonly type: 'pass'; readonly seconds: number }
  | { readonly type: 'session'; readonly now: boolean };

const seconds = fc.constantFrom(0, 5, 30, 59, 61, 200, 599, 601, 3_000, 50_000);
const aRule: fc.Arbitrary<Rules> = fc.record({
  settleSeconds: fc.constantFrom(60, 60, 0),
  mode: fc.constantFrom('periodic', 'immediate'),
});
const anEvent: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant('backUp' as const),
      kind: fc.constantFrom(...(['incremental', 'incremental', 'incremental', 'full'] as const)),
      lateSeconds: seconds,
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('grow' as const), disk: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.constant({ type: 'dropDisk' as const }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('pass' as const), seconds }) },
  {
    weight: 10,
    arbitrary: fc.record({
      type: fc.constant('session' as const),
      now: fc.constantFrom(false, false, false, false, true),
    }),
  },
);

/** A point of the target. */
interface Copied {
  readonly id: string;
  readonly createdAtMs: number;
  readonly copiedAtMs: number;
  /** By disk. */
  readonly shown: ReadonlyMap<string, Buffer>;
}

/** What is still to be written of the newest backup. */
interface Arrival {
  readonly dueMs: number;
  readonly createdAtMs: number;
  readonly kind: 'full' | 'incremental';
}

/** A machine of two disks whose tool writes one after the other and leaves no mark when it has finished, under a clock that the storage, the sessions
 *  and the machine share. */
class LateDiskHistory implements History<Event> {
  private nowMs = FIRST_MS;
  private readonly source = new SimulatedRepository('primary');
  private readonly target = new SimulatedRepository('offsite');
  private readonly disks: readonly GrowingSource[];
  private arrival: Arrival | null = null;
  private hasOne = false;
  /** By date of each backup: when its files were written to. */
  private readonly writes = new Map<number, number[]>();
  private workloadId = '';
  private known = new Set<string>();

  private constructor(private readonly rules: Rules) {
    this.disks = DISKS.map(
      (disk, seed) => new GrowingSource(this.source, 'mail01', { blockCount: 6, seed, disk }),
    );
  }

  static async begin(rules: Rules): Promise<LateDiskHistory> {
    const history = new LateDiskHistory(rules);
    await history.happen({ type: 'backUp', kind: 'full', lateSeconds: 0 });
    await history.reach(history.nowMs);
    history.workloadId = (await listSourceWorkloads(history.source))[0]!.id;
    return history;
  }

  end(): Promise<void> {
    return Promise.resolve();
  }

  async happen(event: Event): Promise<void> {
    switch (event.type) {
      case 'backUp':
        await this.backUp(event);
        break;
      case 'grow':
        await this.reach(this.arrival?.dueMs ?? this.nowMs);
        await this.grow(this.disks[this.hasOne ? 0 : event.disk]!);
        break;
      case 'dropDisk':
        await this.reach(this.arrival?.dueMs ?? this.nowMs);
        this.hasOne = true;
        break;
      case 'pass':
        await this.reach(this.nowMs + event.seconds * SECOND_MS);
        break;
      case 'session':
        await this.session(event.now);
    }
  }

  /** All has arrived, and nothing is written to any more. */
  async settle(): Promise<void> {
    await this.reach(Math.max(this.nowMs, this.arrival?.dueMs ?? 0) + HOUR_MS);
    for (let count = 0; count < 2; count++) await this.session(false);
    const dates = (await this.copied()).map(({ createdAtMs }) => createdAtMs);
    assert.deepEqual(dates, [...new Set(dates)], 'a copy that is short stays beside the whole one');
  }

  private async backUp({ kind, lateSeconds }: Extract<Event, { type: 'backUp' }>): Promise<void> {
    const dayMs = Math.max(this.nowMs, this.arrival?.dueMs ?? 0) + DAY_MS;
    // The tool's dates are in whole seconds.
    await this.reach(Math.ceil(dayMs / SECOND_MS) * SECOND_MS);
    const [first] = this.disks;
    const day = first!.days.length;
    for (const disk of this.disks) if (day > 0) disk.work(day);
    const createdAtMs = this.nowMs;
    await first!.backUp(createdAtMs, kind);
    this.noteWrite(createdAtMs);
    const dueMs = this.nowMs + lateSeconds * SECOND_MS;
    this.arrival = this.hasOne ? null : { dueMs, createdAtMs, kind };
  }

  private async grow(disk: GrowingSource): Promise<void> {
    this.source.setClock(this.nowMs);
    if (await disk.growNewest()) this.noteWrite(disk.days.at(-1)!.createdAtMs);
  }

  /** It is then, and what was to arrive until then has. */
  private async reach(atMs: number): Promise<void> {
    const { arrival } = this;
    if (arrival !== null && arrival.dueMs <= atMs) {
      this.arrival = null;
      this.nowMs = Math.max(this.nowMs, arrival.dueMs);
      this.source.setClock(this.nowMs);
      await this.disks[1]!.backUp(arrival.createdAtMs, arrival.kind);
      this.noteWrite(arrival.createdAtMs);
    }
    this.nowMs = Math.max(this.nowMs, atMs);
    this.source.setClock(this.nowMs);
  }

  private noteWrite(createdAtMs: number): void {
    this.writes.set(createdAtMs, [...(this.writes.get(createdAtMs) ?? []), this.nowMs]);
  }

  /** The promises: each point shows what the files of its date have shown; none was copied before its files had rested for as long as they have to, unless that
   *  was asked for; and what had rested when the session began is there, as it is. */
  private async session(now: boolean): Promise<void> {
    const startedMs = this.nowMs;
    const rested = [...this.writes].filter(
      ([createdAtMs, at]) =>
        at.at(-1)! + this.settleMs(createdAtMs) < startedMs && !this.isAwaited(createdAtMs),
    );
    const outcome = await this.copy(now);
    const told = JSON.stringify(outcome);
    const points = await this.copied();
    for (const point of points) {
      this.assertShown(point, told);
      if (!this.known.has(point.id) && !now) this.assertRested(point, told);
    }
    this.known = new Set(points.map(({ id }) => id));
    const newest = new Map(points.map((point) => [point.createdAtMs, point]));
    for (const [createdAtMs] of rested) {
      const copy = newest.get(createdAtMs);
      assert.ok(copy !== undefined, `${isoOf(createdAtMs)} is missing: ${told}`);
      for (const [disk, source] of this.disksOf(createdAtMs)) {
        const shown = copy.shown.get(disk);
        const isWhole = shown?.equals(source.diskAt(isoOf(createdAtMs))) === true;
        assert.ok(isWhole, `${isoOf(createdAtMs)} stays short of ${disk}: ${told}`);
      }
    }
  }

  private assertShown({ createdAtMs, shown }: Copied, told: string): void {
    const disks = this.disksOf(createdAtMs);
    for (const [disk, content] of shown) {
      const states = disks.get(disk)?.statesAt(isoOf(createdAtMs)) ?? [];
      const isKnown = states.some((state) => state.equals(content));
      assert.ok(isKnown, `${disk} of ${isoOf(createdAtMs)} never showed that: ${told}`);
    }
  }

  private assertRested({ createdAtMs, copiedAtMs, shown }: Copied, told: string): void {
    const before = this.writes.get(createdAtMs)!.filter((at) => at <= copiedAtMs);
    const isLacking = shown.size < this.diskCountBefore(createdAtMs);
    const neededMs = this.rules.settleSeconds * SECOND_MS * (isLacking ? LACKING_FACTOR : 1);
    assert.ok(
      copiedAtMs - before.at(-1)! >= neededMs,
      `${isoOf(createdAtMs)} was copied at ${isoOf(copiedAtMs)}, and written to at ${isoOf(before.at(-1)!)}: ${told}`,
    );
  }

  /** How long a backup has to rest that has all it will have. */
  private settleMs(createdAtMs: number): number {
    const isLacking = this.disksOf(createdAtMs).size < this.diskCountBefore(createdAtMs);
    return this.rules.settleSeconds * SECOND_MS * (isLacking ? LACKING_FACTOR : 1);
  }

  /** Disks of the backup before that of this date. */
  private diskCountBefore(createdAtMs: number): number {
    const dates = [...this.writes.keys()].sort((a, b) => a - b);
    const before = dates[dates.indexOf(createdAtMs) - 1];
    return before === undefined ? 0 : this.disksOf(before).size;
  }

  private isAwaited(createdAtMs: number): boolean {
    return this.arrival?.createdAtMs === createdAtMs;
  }

  /** Those that the source has of this date by now. */
  private disksOf(createdAtMs: number): Map<string, GrowingSource> {
    return new Map(
      this.disks.flatMap((source, index) =>
        source.days.some((day) => day.createdAtMs === createdAtMs)
          ? [[DISKS[index]!, source] as const]
          : [],
      ),
    );
  }

  private async copy(now: boolean): Promise<CopySessionOutcome> {
    const { mode, settleSeconds } = this.rules;
    const job = testJob({ mode, retention: { type: 'restorePoints', value: 100 } });
    const sessions: LocalSessions = new LocalSessions([this.source, this.target], {
      settleMs: settleSeconds * SECOND_MS,
      beforeActivity: () => this.reach(sessions.nowMs),
    });
    const { now: realNow } = Date;
    Date.now = () => sessions.nowMs;
    try {
      const outcome = await sessions.copy(job, this.nowMs, { now });
      await this.reach(sessions.nowMs);
      return outcome;
    } finally {
      Date.now = realNow;
    }
  }

  /** In the order of the chain. */
  private async copied(): Promise<Copied[]> {
    const chain = chainFolder('nightly', this.workloadId);
    const record = await readChainRecord(this.target, chain);
    const context = new InProcessMover(this.target).context();
    const points: Copied[] = [];
    for (const { id, createdAt, copiedAt, disks } of record === null
      ? []
      : availablePoints(record)) {
      const shown = new Map<string, Buffer>();
      for (const { disk } of disks) {
        const layers = targetLayersOf(record!, { targetRepositoryId: 'offsite', chain }, id, disk);
        const stack = await ImageStack.open(context, layers);
        const content = Buffer.alloc(stack.virtualSizeBytes);
        await stack.read(content, 0);
        await stack.close();
        shown.set(disk, content);
      }
      const [createdAtMs, copiedAtMs] = [Date.parse(createdAt), Date.parse(copiedAt)];
      points.push({ id, createdAtMs, copiedAtMs, shown });
    }
    return points;
  }
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}

/** Tries random histories of a machine whose second disk arrives late.
 *  @throws with the events of one that shows a fault */
export function tryLateDiskHistories(parameters: HistoryParameters, length = 20): Promise<void> {
  const begin = (rules: Rules) => LateDiskHistory.begin(rules);
  return tryHistories({ rules: aRule, event: anEvent, begin, length }, parameters);
}
