import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { chainFolder } from '../src/chain/chain-paths.js';
import type { CopyJob } from '../src/domain/jobs/copy-job.js';
import type { TreePlanOutcome } from '../src/domain/trees/tree-work.js';
import { DataMover } from '../src/mover/data-mover.js';
import { listSourceWorkloads } from '../src/mover/source/source-catalogue.js';
import { TaskControl } from '../src/mover/task/task-control.js';
import { windowRuns } from '../src/mover/task/window-runs.js';
import { directory, measured, type Measurement } from './chain-under-test.js';

const JOB = 'bench';
const OWNER = 'bench';

/** One copy of a tree and the data mover that works on it, resident, as in a worker. */
export class TreeUnderTest {
  private constructor(
    private readonly mover: DataMover,
    private readonly runs: TreeRuns,
    private readonly targetFolder: string,
  ) {}

  static async open(sourceFolder: string, targetFolder: string): Promise<TreeUnderTest> {
    const mover = new DataMover([
      { id: 'source', storage: directory(sourceFolder), isReadOnly: true },
      { id: 'target', storage: directory(targetFolder), isReadOnly: false },
    ]);
    return new TreeUnderTest(mover, await treeRuns(mover), targetFolder);
  }

  /** @throws when the run is not what it was meant to be: another one would be timed */
  async copy(is: TreeRun): Promise<Measurement> {
    return measured(async () => {
      const state = await this.runs.once();
      if (state !== is) throw new Error(`the run that was to be "${is}" ended as "${state}"`);
    });
  }

  /** Folder of the copied files. */
  get files(): string {
    return join(this.targetFolder, this.runs.chain, 'files');
  }

  /** Takes the copy away. */
  async remove(): Promise<void> {
    await rm(join(this.targetFolder, this.runs.chain), { recursive: true, force: true });
  }

  async close(): Promise<void> {
    await this.mover.close();
  }
}

/** What a run found: nothing to do, or files that it has copied. */
export type TreeRun = 'same' | 'copied';

interface TreeRuns {
  /** Folder of the copy in the target. */
  readonly chain: string;
  /** All that a session has the data mover do for a tree. */
  readonly once: () => Promise<TreeRun>;
}

/** Copies the only tree of the repository `source` to `target`. */
export async function treeRuns(
  mover: Pick<DataMover, 'source' | 'run' | 'runWindows'>,
): Promise<TreeRuns> {
  const [workload] = await listSourceWorkloads(await mover.source('source'));
  const chain = chainFolder(JOB, workload!.id);
  const place = { targetRepositoryId: 'target', chain };
  const policy: Pick<CopyJob, 'mode' | 'gfs' | 'retention' | 'timeZone'> = {
    ...{ mode: 'periodic', gfs: null, timeZone: 'UTC' },
    retention: { type: 'days', value: 14 },
  };
  const plan = (): Promise<TreePlanOutcome> =>
    mover.run(
      'planTree',
      {
        ...place,
        ...{ sourceRepositoryId: 'source', jobId: JOB, owner: OWNER, nowMs: Date.now() },
        ...{
          workload: workload!,
          limits: { names: { caseSensitive: true, accentSensitive: true } },
          settleMs: 0,
        },
        choice: { ...policy, scope: 'all', withLogs: false },
        ...{ verifyAfterCopy: 'cached', immutableForDays: 0, acceptChanges: false },
      },
      new TaskControl(),
    );
  return {
    chain,
    async once() {
      const planned = await plan();
      if (planned.state === 'same') return 'same';
      if (planned.state !== 'planned') throw new Error(JSON.stringify(planned));
      const { reference, classes } = planned;
      for (const { class: name, windowCount } of classes) {
        const work = { ...place, reference, class: name };
        const windows = windowRuns(0, windowCount);
        await mover.runWindows('copyFiles', work, windows, new TaskControl());
        await mover.run('publishFiles', work, new TaskControl());
      }
      const commit = { ...place, reference, nowMs: Date.now(), choice: policy };
      await mover.run('commitTree', commit, new TaskControl());
      const told = { ...place, owner: OWNER, hasCommit: true, hasRemoval: false };
      await mover.run('noteTold', told, new TaskControl());
      return 'copied';
    },
  };
}
