import { faultOfPoint, type TargetTreePoint } from '../../../../src/domain/trees/target-tree.js';
import { missingTexts, pointsNeededBy } from '../../../../src/domain/trees/points-for-restore.js';
import { treeLayoutOf } from '../../../../src/layout/tree-layouts.js';
import type { SourceRepository } from '../../../../src/repository/backup-repository.js';
import { findTrees } from '../../../../src/tree/find-trees.js';
import type { TreeRecord } from '../../../../src/tree/tree-record.js';
import { filesBelow } from '../tree-world.js';
import { DAY_MS, HOUR_MS, type Backup, type DatabaseTool } from './database-tool.js';
import type { Files } from './dated-source.js';

/** A point of a copy, as whoever restores it sees it. */
interface Listed {
  readonly point: TargetTreePoint;
  readonly tool: DatabaseTool;
  readonly backup: Backup;
  /** The product says of nothing that it is missing. */
  readonly isGood: boolean;
}

/** So far apart are the moments that are asked for. */
const STEP_MS = 1.5 * HOUR_MS;

/** What a session left behind. */
interface SessionEnd {
  readonly target: SourceRepository;
  /** All that it said. */
  readonly told: string;
  /** What the source held while it ran. */
  readonly shown: Files;
  /** True time. Epoch milliseconds. */
  readonly nowMs: number;
  /** A wrong clock makes ages wrong: then nothing is asked of what is too old. */
  readonly isTimeKnown: boolean;
  /** No clock is wrong by more than the days before a window make up for. */
  readonly isWindowKnown: boolean;
}

/** What a copy is worth, judged by what the tools know of their backups. */
export class RestorableJudge {
  #before = new Map<Backup, Listed>();
  /** To which moments each source could be brought when a session ran. */
  readonly #moments = new Map<DatabaseTool, Set<number>>();
  /** Moments that were asked for, so that a test of nothing is seen. */
  moments = 0;
  /** Points that were called good, so that a test of nothing is seen. */
  good = 0;

  constructor(
    private readonly tools: readonly DatabaseTool[],
    private readonly keptDays: number,
  ) {}

  async judge(end: SessionEnd): Promise<void> {
    const { trees, unreadable } = await findTrees(end.target);
    assert(unreadable.length === 0, () => `unreadable: ${JSON.stringify(unreadable)}`);
    const now = new Map<Backup, Listed>();
    const held = new Map<string, Buffer>();
    for (const { folder, record } of trees) {
      const copied = await filesBelow(end.target, `${folder}/files`);
      for (const point of record.points) {
        const listed = this.#listed(record, point);
        if (listed === null) continue;
        // One that was called anew is there by each name.
        if (now.get(listed.backup)?.isGood !== true) now.set(listed.backup, listed);
        for (const path of point.files ?? [])
          if (copied.has(path)) held.set(inRepository(record, path), copied.get(path)!);
        if (listed.isGood) this.#isRestorable(record, listed, copied);
      }
    }
    this.#nothingWentEarly(now, end);
    this.#allIsThere(now, end);
    this.#eachMoment(held, end);
    this.#before = now;
  }

  #listed(record: TreeRecord, point: TargetTreePoint): Listed | null {
    const { restorePointId } = point.source;
    const id = inRepository(record, restorePointId);
    const own = new Set(point.files?.map((path) => inRepository(record, path)));
    const atMs = Date.parse(point.createdAt);
    for (const tool of this.tools)
      for (const backup of tool.backups) {
        const paths = backup.files.flatMap((named) => [...named.keys()]);
        const isCalled = [backup.name, ...paths].some(
          (name) => name === id || name === restorePointId,
        );
        const isDated = [backup.name, ...paths].some((name) => id.startsWith(`${name}@`));
        const isOfDate = Math.abs(atMs - backup.namedMs) < 1000;
        if (!paths.some((path) => own.has(path)) || !(isCalled || (isDated && isOfDate))) continue;
        const missing = missingTexts(record.points, point.id, rulesOf(record));
        return {
          point,
          tool,
          backup,
          isGood: faultOfPoint(point) === null && missing.length === 0,
        };
      }
    return null;
  }

  #isRestorable(record: TreeRecord, { point, tool, backup }: Listed, copied: Files): void {
    this.good++;
    const needed = pointsNeededBy(record.points, point.id, rulesOf(record));
    const held = new Map<string, Buffer>();
    for (const path of needed.points.flatMap(({ files }) => files ?? [])) {
      const bytes = copied.get(path);
      assert(bytes !== undefined, () => `${path} is listed, and is not there`);
      held.set(inRepository(record, path), bytes!);
    }
    const lack = tool.lackOf(backup, held);
    assert(
      lack === null,
      () => `${backup.name} is listed as good, and cannot be restored: ${lack}`,
    );
  }

  /** The recovery window: to each moment of the kept days to which the source could be brought, the copy brings it, too. */
  #eachMoment(held: Files, { nowMs, shown, isWindowKnown }: SessionEnd): void {
    for (const tool of this.tools) {
      // What was written over at the source is so in the copy.
      if (!isWindowKnown || tool.reusesNames) continue;
      const asked = this.#moments.get(tool) ?? new Set();
      this.#moments.set(tool, asked);
      const sinceMs = nowMs - this.keptDays * DAY_MS;
      for (let atMs = Math.ceil(sinceMs / STEP_MS) * STEP_MS; atMs < nowMs; atMs += STEP_MS)
        if (tool.lackAt(atMs, shown) === null) asked.add(atMs);
      for (const atMs of asked) {
        if (atMs < sinceMs) continue;
        this.moments++;
        const lack = tool.lackAt(atMs, held);
        assert(
          lack === null,
          () => `the copy does not bring the database to ${new Date(atMs).toISOString()}: ${lack}`,
        );
      }
    }
  }

  /** What was good and is still listed is still good; what is not listed any more was too old, or had lost its files to another backup. */
  #nothingWentEarly(now: ReadonlyMap<Backup, Listed>, { isTimeKnown, told }: SessionEnd): void {
    const newestMs = newestOf([...now.keys(), ...this.#before.keys()]);
    for (const [{ name, kind, endedMs }, { isGood, tool }] of this.#before) {
      const after = [...now.values()].find(
        ({ backup }) => backup.name === name && backup.endedMs === endedMs,
      );
      const isOld = endedMs < newestMs - (this.keptDays - 1) * DAY_MS;
      if (after !== undefined)
        assert(
          // One of the minutes before a full stays for that one alone (`logsBeforeFullMs`).
          !isGood || after.isGood || tool.reusesNames || !isTimeKnown || (isOld && kind === 'log'),
          () => `${name} was good, and is not any more: ${faultOfPoint(after.point)}`,
        );
      // A log that nothing served is worth nothing.
      else if (isTimeKnown && !tool.reusesNames && (isGood || kind !== 'log'))
        assert(isOld || told.includes(name), () => `${name} went early`);
    }
  }

  #allIsThere(now: ReadonlyMap<Backup, Listed>, { shown, told, isTimeKnown }: SessionEnd): void {
    if (!isTimeKnown) return;
    for (const tool of this.tools) {
      const sinceMs = newestOf(tool.backups) - (this.keptDays - 1) * DAY_MS;
      for (const backup of tool.backups) {
        if (backup.endedMs < sinceMs || tool.lackOf(backup, shown) !== null) continue;
        const names = backup.files.flatMap((named) => [...named.keys()]);
        const isTold = [backup.name, ...names].some((name) =>
          told.includes(name.slice(name.lastIndexOf('/') + 1)),
        );
        assert(
          now.has(backup) || isTold,
          () =>
            `${backup.name} is whole at the source, not in the copy, and nobody says so: ${told}`,
        );
      }
    }
  }
}

function newestOf(backups: readonly Backup[]): number {
  return backups.reduce((newest, { endedMs }) => Math.max(newest, endedMs), 0);
}

function rulesOf({ layout }: TreeRecord) {
  return treeLayoutOf(layout)!.rules;
}

/** Paths of a copy are those from the root of its tree. */
function inRepository({ workload }: TreeRecord, path: string): string {
  const root = rootOf(workload.id);
  return root === '' ? path : `${root}/${path}`;
}

/** Behind the last `-` of the workload's id. */
function rootOf(workloadId: string): string {
  const root = decodeURIComponent(workloadId.slice(workloadId.lastIndexOf('-') + 1));
  return root === '.' ? '' : root.replaceAll(':', '/');
}

function assert(holds: boolean, what: () => string): void {
  if (!holds) throw new Error(what());
}
