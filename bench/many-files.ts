import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chainFolder } from '../src/chain/chain-paths.js';
import type { CopyJob } from '../src/domain/jobs/copy-job.js';
import type { TreePlanOutcome } from '../src/domain/trees/tree-work.js';
import { DataMover } from '../src/mover/data-mover.js';
import { listSourceWorkloads } from '../src/mover/source/source-catalogue.js';
import { TaskControl } from '../src/mover/task/task-control.js';
import { windowRuns } from '../src/mover/task/window-runs.js';
import { directory } from './chain-under-test.js';
import { runProgram } from './commands.js';
import { settleDisk } from './disk.js';
import { median, repeatUntilWarm, timed } from './rounds.js';
import { noise } from './test-data.js';

/** Seconds that a run takes, the median of the rounds. */
export interface ManyFilesRun {
  readonly ours: number;
  readonly rsync: number;
}

/** A tree of many small files, the first time and when nothing has changed. */
interface ManyFiles {
  readonly first: ManyFilesRun;
  readonly unchanged: ManyFilesRun;
}

export const MANY_FILES = 100_000;
export const SMALL_FILE_BYTES = 4096;
const FILES_OF_A_FOLDER = 100;
const ROUNDS = 3;
const JOB = 'bench';
const OWNER = 'bench';

/** Copies a dated tree by the data mover and by `rsync -a`; each clock stops when all is durable. */
export async function measureManyFiles(folder: string, fileCount = MANY_FILES): Promise<ManyFiles> {
  const source = join(folder, 'source');
  await makeFiles(join(source, 'share'), fileCount);
  const seconds = { first: { ours: [], rsync: [] }, unchanged: { ours: [], rsync: [] } } as Record<
    keyof ManyFiles,
    Record<keyof ManyFilesRun, number[]>
  >;
  for (let round = 0; round < ROUNDS; round++)
    for (const [who, target] of Object.entries({
      ours: join(folder, 'ours'),
      rsync: join(folder, 'rsync'),
    }) as [keyof ManyFilesRun, string][]) {
      await rm(target, { recursive: true, force: true });
      await mkdir(target);
      const copy = who === 'ours' ? await treeCopy(source, target) : rsyncCopy(source, target);
      for (const run of ['first', 'unchanged'] as const) {
        // A first run cannot be repeated: it is timed with the compiler's time.
        if (run === 'unchanged') await repeatUntilWarm(() => timed(() => copy.run(run)));
        await settleDisk();
        seconds[run][who].push(await timed(() => copy.run(run)));
      }
      await copy.close();
      await runProgram('diff', '-rq', join(source, 'share'), copy.files);
    }
  const medianOf = ({ ours, rsync }: Record<keyof ManyFilesRun, number[]>): ManyFilesRun => ({
    ...{ ours: median(ours), rsync: median(rsync) },
  });
  return { first: medianOf(seconds.first), unchanged: medianOf(seconds.unchanged) };
}

interface Copy {
  readonly files: string;
  /** @throws when the run is not what it was meant to be: another one would be timed */
  readonly run: (is: keyof ManyFiles) => Promise<void>;
  readonly close: () => Promise<void>;
}

async function makeFiles(share: string, count: number): Promise<void> {
  const bytes = noise('many files', SMALL_FILE_BYTES);
  for (let first = 0; first < count; first += FILES_OF_A_FOLDER) {
    const folder = join(share, '2026-11-24-010000', `folder-${first / FILES_OF_A_FOLDER}`);
    await mkdir(folder, { recursive: true });
    for (let i = 0; i < FILES_OF_A_FOLDER; i++) {
      bytes.writeUInt32LE(first + i);
      await writeFile(join(folder, `file-${i}`), bytes);
    }
  }
  await writeFile(join(share, 'backup.marker'), '');
}

function rsyncCopy(source: string, target: string): Copy {
  return {
    files: join(target, 'share'),
    async run() {
      await runProgram('rsync', '-a', `${source}/`, `${target}/`);
      await runProgram('sync', '--file-system', target);
    },
    close: () => Promise.resolve(),
  };
}

async function treeCopy(source: string, target: string): Promise<Copy> {
  const mover = new DataMover([
    { id: 'source', storage: directory(source), isReadOnly: true },
    { id: 'target', storage: directory(target), isReadOnly: false },
  ]);
  const run = await treeRuns(mover);
  const chains = join(target, run.chain);
  return {
    files: join(chains, 'files'),
    run: async (is) => {
      const state = await run.once();
      if ((state === 'same') !== (is === 'unchanged'))
        throw new Error(`the run that was to be "${is}" ended as "${state}"`);
    },
    close: () => mover.close(),
  };
}

interface TreeRuns {
  /** Folder of the copy in the target. */
  readonly chain: string;
  /** All that a session has the data mover do for a tree. */
  readonly once: () => Promise<'same' | 'copied'>;
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
