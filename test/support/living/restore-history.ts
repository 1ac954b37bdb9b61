import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sessionWorkflowId } from '../../../src/domain/sessions/copy-session.js';
import type { OperationStatus } from '../../../src/domain/sessions/operation.js';
import { restorePointKey } from '../../../src/domain/targets/repository-view.js';
import type { RestoreFormat } from '../../../src/domain/targets/restore-format.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import {
  WORKFLOW_COPY_SESSION,
  WORKFLOW_RESTORE,
  WORKFLOW_VERIFY,
  type CopySessionInput,
  type CopySessionOutcome,
  type RestoreInput,
  type VerifyInput,
} from '../../../workflows/messages.js';
import fc from '../properties.js';
import { tryHistories, type History, type HistoryParameters } from './try-histories.js';
import { testJob } from '../session/test-site.js';
import { CopiesInFolder, isoOf, rawOf, type CopiedPoint } from './copies-in-folder.js';
import { newMachine, type GrowingSource } from './growing-source.js';
import { A_QUIET_MOMENT, aMoment, runSideBySide, type Moment, type Order } from './side-by-side.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const FIRST_MS = Date.UTC(2026, 9, 1, 20);
const MACHINE = 'mail01';

interface WantedRestore {
  /** Of all that were ever there, the newest first; over and over. */
  readonly point: number;
  readonly format: RestoreFormat;
}

type Event =
  | { readonly type: 'day'; readonly backup: 'full' | 'incremental' | null }
  | { readonly type: 'keep'; readonly value: number }
  /** Days on which all is well: increments upon increments, without which a restore has few layers to read. */
  | { readonly type: 'grow'; readonly days: number }
  | {
      readonly type: 'together';
      readonly works: readonly ('session' | 'verify')[];
      readonly restores: readonly WantedRestore[];
      readonly moment: Moment;
    };

const aDay = fc.record({
  type: fc.constant('day' as const),
  backup: fc.constantFrom(
    ...(['incremental', 'incremental', 'incremental', 'full', null] as const),
  ),
});
const aTogether = fc.record({
  type: fc.constant('together' as const),
  works: fc.subarray(['session', 'verify'] as const, { minLength: 0 }),
  restores: fc.array(
    fc.record({
      point: fc.nat(7),
      format: fc.constantFrom<RestoreFormat>('raw', 'raw', 'raw', 'same', 'qcow2'),
    }),
    { maxLength: 3 },
  ),
  moment: aMoment,
});
const aKeep = fc.record({
  type: fc.constant('keep' as const),
  value: fc.integer({ min: 1, max: 8 }),
});
const aGrowth = fc.record({
  type: fc.constant('grow' as const),
  days: fc.integer({ min: 2, max: 4 }),
});
const anEvent: fc.Arbitrary<Event> = fc.oneof(
  { weight: 8, arbitrary: aDay },
  { weight: 8, arbitrary: aTogether },
  { weight: 2, arbitrary: aKeep },
  { weight: 3, arbitrary: aGrowth },
);

/** A machine whose copies are restored while they are made, merged, replaced, deleted and checked, beside what its disk held on each date. */
class RestoreHistory implements History<Event> {
  private nowMs = FIRST_MS;
  private day = 0;
  private keep = 5;
  private orders = 0;
  /** All points that were ever there, the newest last. */
  private readonly known = new Map<string, CopiedPoint>();
  private readonly copies: CopiesInFolder;

  private constructor(
    private readonly folder: string,
    private readonly weeks: number | null,
    private readonly source: GrowingSource,
  ) {
    this.copies = new CopiesInFolder(join(folder, 'offsite', 'nightly'), join(folder, 'shown.raw'));
  }

  static async begin(weeks: number | null): Promise<RestoreHistory> {
    const folder = await mkdtemp(join(tmpdir(), 'longhaul-restores-'));
    for (const id of ['primary', 'offsite']) await mkdir(join(folder, id));
    const source = await newMachine(join(folder, 'primary'), MACHINE, FIRST_MS);
    const history = new RestoreHistory(folder, weeks, source);
    await history.together(['session'], [], A_QUIET_MOMENT);
    return history;
  }

  end(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  async happen(event: Event): Promise<void> {
    switch (event.type) {
      case 'day':
        this.nowMs = Math.max(this.nowMs, FIRST_MS + ++this.day * DAY_MS);
        this.source.work(this.day);
        if (event.backup !== null) await this.source.backUp(this.nowMs, event.backup);
        break;
      case 'keep':
        this.keep = event.value;
        break;
      case 'grow':
        for (let day = 0; day < event.days; day++) {
          await this.happen({ type: 'day', backup: 'incremental' });
          await this.together(['session'], [], A_QUIET_MOMENT);
        }
        break;
      case 'together':
        await this.together(event.works, event.restores, event.moment);
    }
  }

  /** Quiet sessions and a health check, which ends what stopped ones have begun: then nothing is left that is no restore point. */
  async settle(): Promise<void> {
    for (const work of ['session', 'verify', 'session'] as const) {
      await this.happen({ type: 'day', backup: work === 'verify' ? null : 'incremental' });
      await this.together([work], [], A_QUIET_MOMENT);
    }
    const chain = (await this.copies.chain(MACHINE))!;
    const points = await this.copies.points(MACHINE);
    assert.ok(points.has(this.source.days.at(-1)!.createdAtMs), 'the newest is not copied');
    const ids = [...points.values()].map(({ id }) => id);
    const names = await readdir(chain);
    const others = names.filter((name) => !ids.includes(name) && !name.startsWith('chain.json'));
    for (const name of others)
      assert.deepEqual(await readdir(join(chain, name)), [], `${name} is left`);
  }

  /** The promises: what a restore that succeeds wrote is what the disk held on the date of its point, one of a point that was there all the time succeeds, and
   *  one that fails says why. */
  private async together(
    works: readonly ('session' | 'verify')[],
    wanted: readonly WantedRestore[],
    moment: Moment,
  ): Promise<void> {
    this.nowMs += HOUR_MS;
    const ids = [...this.known.values()].sort((a, b) => b.createdAtMs - a.createdAtMs);
    const restores = wanted.map(({ point, format }) => ({
      point: ids[point % ids.length]!,
      format,
      destination: join(this.folder, `restored-${++this.orders}`),
    }));
    for (const { destination } of restores) await mkdir(destination);
    const orders = [...works.map((work) => this.orderOf(work)), ...restores.map(restoreOrder)];
    if (orders.length === 0) return;
    const before = await this.copies.points(MACHINE);
    const { ends, nowMs } = await runSideBySide(orders, this.folders(restores), this.nowMs, moment);
    this.nowMs = nowMs;
    const after = await this.copies.points(MACHINE);
    for (const point of after.values()) {
      this.known.set(point.id, point);
      this.assertShows(await this.copies.shown(point.image), point, 'in the target');
    }
    for (const [index, restore] of restores.entries()) {
      const { createdAtMs } = restore.point;
      const order = orders[works.length + index]!;
      const status = ends.get(order.id) as OperationStatus;
      const isStopped = moment.stopAfter !== null && order === orders.at(-1);
      const wasThere = before.has(createdAtMs) && after.has(createdAtMs);
      await this.judge(restore, status, wasThere && !isStopped);
      await rm(restore.destination, { recursive: true });
    }
    if (works.includes('session')) this.assertSaid(ends.get(orders[0]!.id) as CopySessionOutcome);
  }

  private async judge(
    { point, format, destination }: Restore,
    { result, code, reason, notes }: OperationStatus,
    mustSucceed: boolean,
  ): Promise<void> {
    const told = JSON.stringify({ result, code, reason, notes });
    const names = await readdir(destination);
    if (result === 'success' || result === 'warning') {
      assert.equal(names.length, 1, `${names.join()} lie in the folder of a restore: ${told}`);
      const file = join(destination, names[0]!);
      const shown =
        format === 'raw'
          ? await readFile(file)
          : await rawOf(file, join(this.folder, 'restored.raw'));
      this.assertShows(shown, point, `as it was restored: ${told}`);
      return;
    }
    assert.ok(!mustSucceed, `${isoOf(point.createdAtMs)} was there, and not restored: ${told}`);
    assert.ok(reason !== null && (code !== null || result !== 'failed'), `no reason: ${told}`);
  }

  private assertShows(shown: Buffer, { createdAtMs }: CopiedPoint, where: string): void {
    const iso = isoOf(createdAtMs);
    assert.ok(shown.equals(this.source.diskAt(iso)), `${iso} shows what was not there, ${where}`);
  }

  private assertSaid({ result, reason, tasks }: CopySessionOutcome): void {
    const told = JSON.stringify({ result, reason, tasks });
    assert.ok(result !== 'failed', `a session failed: ${told}`);
  }

  private folders(restores: readonly Restore[]) {
    const root = (id: string) => ({ id, rootPath: join(this.folder, id) });
    return [
      { ...root('primary'), readOnly: true },
      { ...root('offsite'), readOnly: false },
      ...restores.map(({ destination: rootPath }) => ({
        ...{ id: folderRepositoryId(rootPath), rootPath, readOnly: false },
      })),
    ];
  }

  private orderOf(work: 'session' | 'verify'): Order {
    if (work === 'verify') {
      const input: VerifyInput = { repositoryId: 'offsite', restorePointId: null };
      return { type: WORKFLOW_VERIFY, id: 'verify/offsite/all', input };
    }
    const weekly = this.weeks === null ? null : { keep: this.weeks, day: 'sunday' as const };
    const gfs = weekly && { weekly, monthly: null, yearly: null, fullMethod: 'synthetic' as const };
    const retention = { type: 'restorePoints', value: this.keep } as const;
    const job = testJob({ retention, gfs, onSourceChainRecreated: 'startNewChain' });
    const input: CopySessionInput = { job, overrides: {} };
    return { type: WORKFLOW_COPY_SESSION, id: sessionWorkflowId(job.id, this.nowMs), input };
  }
}

interface Restore {
  readonly point: CopiedPoint;
  readonly format: RestoreFormat;
  /** Absolute path. */
  readonly destination: string;
}

function restoreOrder({ point, format, destination }: Restore): Order {
  const restorePointId = restorePointKey(['nightly', point.workloadId, point.id]);
  const place = { repositoryId: 'offsite', destinationPath: destination };
  const input: RestoreInput = { ...place, restorePointId, format };
  return { type: WORKFLOW_RESTORE, id: `restore/${destination}`, input };
}

/** Tries random histories of restores beside sessions, retention, weekly fulls, health checks, stops, and workers that die.
 *  @throws with the events of one that shows a fault */
export function tryRestoreHistories(parameters: HistoryParameters, length = 24): Promise<void> {
  const begin = (weeks: number | null) => RestoreHistory.begin(weeks);
  return tryHistories(
    { rules: fc.constantFrom(null, 2), event: anEvent, begin, length },
    parameters,
  );
}
