import { beforeEach, describe, expect, it } from 'vitest';
import { readTaskRecords, writeTaskRecord } from '../../../../src/chain/sessions/task-record.js';
import type { CopyTask } from '../../../../src/domain/sessions/copy-session.js';
import { putFile } from '../../../support/repository/chain-record-file.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

const PLACE = { jobId: 'nightly', sessionId: 'nightly-20261120T020000Z', year: 2026 };
const FOLDER = 'nightly/sessions/2026/nightly-20261120T020000Z';
const PROGRESS = {
  ...{ percent: 100, processedBytes: 1, totalBytes: 1, readBytes: 1, transferredBytes: 1 },
  ...{ reusedBytes: 0, storedBytes: 1, bytesPerSecond: 1.5, etaSeconds: null },
};

let repository: SimulatedRepository;
beforeEach(() => {
  repository = new SimulatedRepository('offsite');
});

function task(workload: string, changes: Partial<CopyTask> = {}): CopyTask {
  return {
    ...{ workload, workloadId: workload, state: 'ended', result: 'success', code: null },
    ...{ reason: null, algorithm: 'full', committed: [], notes: [], progress: PROGRESS },
    ...changes,
  } as unknown as CopyTask;
}

async function write(...names: string[]): Promise<void> {
  for (const name of names) await writeTaskRecord(repository, PLACE, task(name));
}

const read = (after = '', maxBytes = 1_000_000) =>
  readTaskRecords(repository, PLACE, { after, maxBytes });

describe('the tasks of a session', () => {
  it('are read as they were written, in the order of their files', async () => {
    await write('web02', 'web01');
    await writeTaskRecord(repository, PLACE, task('named', { workloadId: null }));
    const { tasks, unreadable, last } = await read();
    expect(tasks).toEqual([task('named', { workloadId: null }), task('web01'), task('web02')]);
    expect([unreadable, last]).toEqual([[], null]);
  });

  it('come in pages of one at least, and the last page says so', async () => {
    await write('a', 'b', 'c');
    const first = await read('', 1);
    expect(first.tasks.map(({ workload }) => workload)).toEqual(['a']);
    const second = await read(first.last!, 1);
    expect(second.tasks.map(({ workload }) => workload)).toEqual(['b']);
    const third = await read(second.last!, 1);
    expect(third.tasks.map(({ workload }) => workload)).toEqual(['c']);
    expect(third.last).toBeNull();
    const size = JSON.stringify(task('a')).length;
    expect((await read('', 2 * size)).tasks).toHaveLength(2);
  });

  it('are named where they cannot be read, and the others are shown; what is none is passed over', async () => {
    await write('a', 'c');
    await putFile(repository, `${FOLDER}/b.json`, '{');
    await putFile(
      repository,
      `${FOLDER}/percent.json`,
      JSON.stringify({
        ...{
          longhaulTask: 1,
          task: task('x', { progress: { ...PROGRESS, percent: 'all' } as never }),
        },
      }),
    );
    await putFile(
      repository,
      `${FOLDER}/version.json`,
      JSON.stringify({ longhaulTask: 99, task: task('x') }),
    );
    await putFile(repository, `${FOLDER}/a.txt`, 'x');
    await putFile(repository, `${FOLDER}/folder.json/x`, 'x');
    const { tasks, unreadable } = await read();
    expect(tasks.map(({ workload }) => workload)).toEqual(['a', 'c']);
    expect(unreadable.map(({ path }) => path)).toEqual(
      ['b', 'percent', 'version'].map((name) => `${FOLDER}/${name}.json`),
    );
    expect((await read('', 1)).last).toBe('a.json');
    expect((await read('a.json', 1)).last).toBe('b.json');
  });

  it('are none where the session has no files', async () => {
    expect(await read()).toEqual({ tasks: [], unreadable: [], last: null });
  });
});
