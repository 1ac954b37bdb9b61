import { expect } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import type { TreeRecord } from '../../../src/tree/tree-record.js';
import { readTreeRecord } from '../../../src/tree/tree-store.js';
import type { CopySessionOutcome } from '../../../workflows/messages.js';
import { SimulatedRepository } from '../repository/simulated-repository.js';
import { testJob } from '../session/test-site.js';
import { LocalSessions } from '../workflows/local-sessions.js';
import type { TreeFiles } from './small-trees.js';
import { filesBelow, START_MS } from './tree-world.js';

const DATABASES = testJob({
  ...{ mode: 'immediate', restorePoints: 'all', transactionLogs: true, compact: null },
  retention: { type: 'days', value: 30_000 },
});

/** A source with one tree, and its copy. */
export class CopiedTree {
  source = new SimulatedRepository('primary');
  target = new SimulatedRepository('offsite');
  nowMs = START_MS;
  tree = '';
  root = '';

  private constructor(
    readonly files: TreeFiles,
    readonly job: CopyJob,
  ) {}

  static async of(files: TreeFiles, job: CopyJob = DATABASES): Promise<CopiedTree> {
    const copied = new CopiedTree(files, job);
    for (const [path, content] of Object.entries(files)) await copied.write(path, content);
    const { tasks } = await copied.session();
    const [task] = tasks;
    expect(['success', 'warning'], JSON.stringify(tasks)).toContain(task!.result);
    copied.tree = chainFolder(job.id, task!.workloadId!);
    const paths = [...(await copied.copied()).keys()];
    expect(paths.length).toBeGreaterThan(0);
    const first = Object.keys(files).find((path) => path.endsWith(paths[0]!))!;
    copied.root = first.slice(0, first.length - paths[0]!.length);
    return copied;
  }

  /** The same once more, on storage of its own. */
  again(): CopiedTree {
    const other = new CopiedTree(this.files, this.job);
    const { tree, root, nowMs } = this;
    Object.assign(other, { source: this.source.clone({}), target: this.target.clone({}) });
    return Object.assign(other, { tree, root, nowMs });
  }

  async write(path: string, content: Buffer | string): Promise<void> {
    await this.source.put(path, Buffer.from(content));
  }

  async remove(path: string): Promise<void> {
    await this.source.remove(path);
  }

  async removeAll(folder: string): Promise<void> {
    await this.source.removeAll(folder);
  }

  async session(overrides = {}): Promise<CopySessionOutcome> {
    this.nowMs += 3_600_000;
    return new LocalSessions([this.source, this.target]).tryToCopy(this.job, this.nowMs, overrides);
  }

  copied(): Promise<Map<string, Buffer>> {
    return filesBelow(this.target, `${this.tree}/files`);
  }

  async record(): Promise<TreeRecord> {
    return (await readTreeRecord(this.target, this.tree))!;
  }

  /** In place, with the length of before.
   *  @param isMiddle head and tail stay: what is called intermittent encryption
   *  @param isHit of the paths in the tree */
  async encrypt(isHit: (path: string) => boolean, isMiddle = false): Promise<void> {
    for (const [path, content] of Object.entries(this.files)) {
      if (!path.startsWith(this.root) || !isHit(path.slice(this.root.length))) continue;
      const bytes = Buffer.from(content);
      const [from, to] = isMiddle
        ? [Math.floor(bytes.length * 0.4), Math.ceil(bytes.length * 0.6)]
        : [0, bytes.length];
      for (let at = from; at < to; at++) bytes[at] = (bytes[at]! ^ (at * 7 + 131)) & 0xff;
      await this.write(path, bytes);
    }
  }
}
