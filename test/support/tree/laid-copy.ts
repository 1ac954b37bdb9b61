import { chainFolder } from '../../../src/chain/chain-paths.js';
import type { TreeRetention } from '../../../src/domain/trees/tree-points.js';
import type { TargetTreePoint } from '../../../src/domain/trees/target-tree.js';
import { FORGETFUL } from '../../../src/layout/file-facts.js';
import type { TreeLayout } from '../../../src/layout/tree-layout.js';
import type { MoverContext } from '../../../src/mover/task/mover-context.js';
import { TaskControl } from '../../../src/mover/task/task-control.js';
import { freeTree } from '../../../src/mover/tree/change/free-tree.js';
import {
  removeTreeFiles,
  type RemoveTreeFilesInput,
} from '../../../src/mover/tree/change/remove-files.js';
import type { RemovedTreeFiles } from '../../../src/mover/tree/change/removed-files.js';
import { takeKept } from '../../../src/mover/tree/change/take-tree.js';
import { writeRun } from '../../../src/mover/tree/commit/index-runs.js';
import { treeStaged } from '../../../src/mover/tree/tree-plan.js';
import type { FileEntry } from '../../../src/tree/file-index.js';
import type { ClassIndex, TreeRecord } from '../../../src/tree/tree-record.js';
import { readTreeRecord, takeTree, writeTreeRecord } from '../../../src/tree/tree-store.js';
import { SimulatedRepository } from '../repository/simulated-repository.js';
import { makeTreesKnown } from './known-trees.js';
import { DAY_MS, START_MS } from './tree-world.js';

/** When all happens, unless a test says otherwise. */
export const NOW_MS = START_MS;

export const daysAgo = (days: number): string => new Date(NOW_MS - days * DAY_MS).toISOString();

export const keepDays = (value: number): TreeRetention => ({
  retention: { type: 'days', value },
  ...{ gfs: null, timeZone: 'UTC' },
});

export interface LaidFile {
  /** Absent: the source has it. */
  readonly goneForDays?: number;
  /** Absent: 100. */
  readonly writtenDaysAgo?: number;
  readonly content?: string;
  /** Whether a table of its digests lies beside the index. */
  readonly hasTable?: true;
}

/** A point of the copy, made and copied so many days ago. */
export function laidPoint(
  id: string,
  daysOld: number,
  more: Partial<TargetTreePoint> = {},
): TargetTreePoint {
  return {
    ...{ id, createdAt: daysAgo(daysOld), copiedAt: daysAgo(daysOld), kind: 'full', needs: [] },
    ...{ files: null, fileCount: 1, sizeBytes: 1, health: 'good', verifiedAt: null, flags: [] },
    source: { repositoryId: 'primary', restorePointId: id },
    ...more,
  };
}

const WORKLOAD = { id: 'toy:laid', name: 'laid', type: 'toy-store' } as const;
const TARGET = { targetRepositoryId: 'offsite', chain: chainFolder('job', WORKLOAD.id) };

/** A copy of a tree as it lies in a target, put there without a session, and what removes from it. */
export class LaidCopy {
  readonly control = new TaskControl();
  readonly tree = TARGET.chain;

  private constructor(public target: SimulatedRepository) {}

  static async of(
    layout: TreeLayout,
    files: Readonly<Record<string, LaidFile>>,
    points: readonly TargetTreePoint[],
    more: Partial<TreeRecord> = {},
  ): Promise<LaidCopy> {
    makeTreesKnown(layout);
    const copy = new LaidCopy(new SimulatedRepository('offsite'));
    const { target, tree } = copy;
    const source = { layout: layout.name, sourceRepositoryId: 'primary' };
    const identity = { jobId: 'job', workload: WORKLOAD };
    const taken = await takeTree(target, tree, identity, source, 'me', NOW_MS);
    for (const [path, { content = path, hasTable }] of Object.entries(files)) {
      await copy.put(`files/${path}`, content);
      if (hasTable === true) await copy.put(`.index/${tableOf(path)}`, 'digests');
    }
    const index: ClassIndex[] = [];
    for (const [at, { name, match }] of layout.rules.classes.entries()) {
      const own = Object.entries(files).filter(
        ([path]) => layout.rules.classes.findIndex((one) => one.match.test(path)) === at,
      );
      const entries = own.map(([path, file]) => entryOf(path, file)).sort(byPath);
      const run = await writeRun(target, tree, `first-${at}.run`, partsOf(entries));
      index.push({
        ...{ class: name, match: match.source, fileCount: entries.length },
        sizeBytes: entries.reduce((sum, { stamp }) => sum + stamp.sizeBytes, 0),
        goneCount: entries.filter(({ goneSinceMs }) => goneSinceMs !== null).length,
        runs: entries.length === 0 ? [] : [run],
      });
    }
    await target.removeAll(treeStaged.folder(tree));
    await writeTreeRecord(target, tree, { ...taken, points, index, ...more });
    target.settleAll();
    return copy;
  }

  get context(): MoverContext {
    return {
      repository: () => Promise.resolve(this.target),
      source: () => Promise.resolve(this.target),
      control: this.control,
      facts: FORGETFUL,
    };
  }

  /** @param name in the folder of the copy */
  async put(name: string, content: string): Promise<void> {
    const path = `${this.tree}/${name}`;
    await this.target.makePlace(path.slice(0, path.lastIndexOf('/')));
    await this.target.put(path, Buffer.from(content));
  }

  /** Removes what is due, as the session that owns the copy does. */
  remove(
    choice: TreeRetention,
    more: Partial<RemoveTreeFilesInput> = {},
    unsound?: ReadonlySet<string>,
  ): Promise<RemovedTreeFiles> {
    const order = { ...TARGET, epoch: 1, choice, immutableForDays: 0, nowMs: NOW_MS, ...more };
    return removeTreeFiles(this.context, order, unsound);
  }

  /** What another process finds of it. */
  ofNextProcess(): LaidCopy {
    return new LaidCopy(this.target.restart({ kind: 'none' }));
  }

  /** Takes it over, as a session that follows does first. */
  async take(): Promise<void> {
    const order = { ...TARGET, jobId: 'job', workload: WORKLOAD, owner: 'me', nowMs: NOW_MS };
    await takeKept(this.context, order);
  }

  /** Removes what is due, as a session does that found no room. */
  free(choice: TreeRetention): Promise<RemovedTreeFiles> {
    return freeTree(this.context, {
      ...{ ...TARGET, jobId: 'job', workload: WORKLOAD, owner: 'me', nowMs: NOW_MS },
      ...{ choice, immutableForDays: 0 },
    });
  }

  async record(): Promise<TreeRecord> {
    return (await readTreeRecord(this.target, this.tree))!;
  }

  async pointIds(): Promise<string[]> {
    return (await this.record()).points.map(({ id }) => id);
  }

  /** Paths of the files that lie there. */
  async files(): Promise<string[]> {
    return (await pathsBelow(this.target, `${this.tree}/files`)).sort();
  }

  /** What the record counts: files, bytes, and files that the source has not. */
  async counts(): Promise<readonly [number, number, number]> {
    const sum = (of: (index: ClassIndex) => number, { index }: TreeRecord) =>
      index.reduce((all, one) => all + of(one), 0);
    const record = await this.record();
    return [
      sum(({ fileCount }) => fileCount, record),
      sum(({ sizeBytes }) => sizeBytes, record),
      sum(({ goneCount }) => goneCount, record),
    ];
  }

  /** What lies beside the files that the record does not list: runs of no index, and staging. */
  async leftovers(): Promise<string[]> {
    const { index } = await this.record();
    const listed = new Set(index.flatMap(({ runs }) => runs.map(({ name }) => name)));
    const runs = (await this.target.list(`${this.tree}/.index`)).map(({ name }) => name);
    const staged = await pathsBelow(this.target, treeStaged.folder(this.tree));
    return [...runs.filter((name) => name.endsWith('.run') && !listed.has(name)), ...staged].sort();
  }

  /** Files with a table of digests. */
  async tables(): Promise<string[]> {
    const names = (await this.target.list(`${this.tree}/.index`)).map(({ name }) => name);
    return names.filter((name) => name.endsWith('.digests'));
  }
}

/** Nothing is opened. */
async function pathsBelow(
  target: SimulatedRepository,
  folder: string,
  prefix = '',
): Promise<string[]> {
  const paths: string[] = [];
  for (const { name, path, type } of await target.list(folder))
    if (type === 'folder') paths.push(...(await pathsBelow(target, path, `${prefix}${name}/`)));
    else paths.push(`${prefix}${name}`);
  return paths;
}

function tableOf(path: string): string {
  return `${path.replaceAll('/', '-')}.digests`;
}

function entryOf(
  path: string,
  { goneForDays, writtenDaysAgo = 100, content = path, hasTable }: LaidFile,
): FileEntry {
  const writtenAtNs = `${NOW_MS - writtenDaysAgo * DAY_MS}000000`;
  return {
    path,
    stamp: {
      sizeBytes: Buffer.byteLength(content),
      ...{ modifiedAtNs: writtenAtNs, changedAtNs: writtenAtNs, inode: '1' },
    },
    ...{ mode: null, digest: '', table: hasTable === true ? tableOf(path) : null },
    goneSinceMs: goneForDays === undefined ? null : NOW_MS - goneForDays * DAY_MS,
  };
}

function byPath(a: FileEntry, b: FileEntry): number {
  return a.path < b.path ? -1 : 1;
}

async function* partsOf(entries: readonly FileEntry[]): AsyncGenerator<readonly FileEntry[]> {
  yield entries;
}
