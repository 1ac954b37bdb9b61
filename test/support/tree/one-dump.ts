import { utimes, writeFile } from 'node:fs/promises';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import type { TreeRecord } from '../../../src/tree/tree-record.js';
import { readTreeRecord } from '../../../src/tree/tree-store.js';
import { treeOf } from '../layout/real-tree.js';
import type { RepositoryCopy } from '../layout/repository-copy.js';
import { SimulatedRepository } from '../repository/simulated-repository.js';
import { testJob } from '../session/test-site.js';
import { LocalSessions } from '../workflows/local-sessions.js';
import type { WorkerOptions } from '../workflows/local-worker.js';
import { DAY_MS, filesBelow, START_MS } from './tree-world.js';

/** A tool that dumps each day under the names of the day before, and a target. */
export class OneDump {
  readonly job = testJob({ retention: { type: 'days', value: 30 }, compact: null });
  readonly target = new SimulatedRepository('offsite');
  /** Time of the next session. */
  nowMs = START_MS;
  #tree: string | null = null;

  private constructor(
    readonly source: RepositoryCopy,
    readonly files: (day: string) => Readonly<Record<string, string>>,
  ) {}

  /** @param files what it writes on a day, by path in the repository */
  static async of(files: (day: string) => Readonly<Record<string, string>>): Promise<OneDump> {
    return new OneDump(await treeOf(files('')), files);
  }

  /** Written an hour before the next session. */
  async write(day: string): Promise<void> {
    const atS = this.nowMs / 1000 - 3_600;
    for (const [path, content] of Object.entries(this.files(day))) {
      await writeFile(this.source.at(path), content);
      await utimes(this.source.at(path), atS, atS);
    }
  }

  /** The next one is a day later. */
  async session(options: WorkerOptions = {}) {
    const sessions = new LocalSessions([this.source.repository, this.target], options);
    const outcome = await sessions.tryToCopy(this.job, this.nowMs);
    this.#tree ??= chainFolder(this.job.id, outcome.tasks[0]!.workloadId!);
    this.nowMs += DAY_MS;
    return outcome;
  }

  /** Folder of the copy. */
  get tree(): string {
    if (this.#tree === null) throw new Error('nothing was copied');
    return this.#tree;
  }

  async record(): Promise<TreeRecord> {
    const record = await readTreeRecord(this.target, this.tree);
    if (record === null) throw new Error('there is no copy');
    return record;
  }

  /** Files of the copy by path in the tree. */
  copied(): Promise<Map<string, Buffer>> {
    return filesBelow(this.target, `${this.tree}/files`);
  }
}
