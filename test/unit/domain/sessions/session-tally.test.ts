import { describe, expect, it } from 'vitest';
import {
  newTask,
  type CopyTask,
  type SessionResult,
} from '../../../../src/domain/sessions/copy-session.js';
import { TallyKeeper } from '../../../../src/domain/sessions/session-tally.js';
import { jsonBytes } from '../../../../src/domain/sessions/task-brief.js';

function ended(name: string, result: SessionResult, change: Partial<CopyTask> = {}): CopyTask {
  const task = newTask(name, name);
  const progress = { ...task.progress, processedBytes: 10, totalBytes: 10, transferredBytes: 3 };
  return { ...task, state: 'ended', result, progress, ...change };
}

const EACH_BYTES = jsonBytes(ended('vm0', 'success'));
/** Room for four tasks of a name of three letters, one of them with the longest result. */
const FOUR_BYTES = 4 * EACH_BYTES + 20;

describe('TallyKeeper', () => {
  it('keeps the tasks as they end, counts them and adds up their progress', () => {
    const keeper = new TallyKeeper();
    keeper.add(ended('web', 'success'));
    keeper.add(ended('db1', 'failed'));
    const { counts, progress, tasks, omittedTasks } = keeper.tally;
    expect(counts).toMatchObject({ success: 1, failed: 1, warning: 0, waiting: 0, running: 0 });
    expect(progress).toMatchObject({ totalBytes: 20, processedBytes: 20, transferredBytes: 6 });
    expect(tasks.map(({ workload }) => workload)).toEqual(['web', 'db1']);
    expect(omittedTasks).toBe(0);
  });

  it('leaves out the newest of those that went best when there is no more room, and still counts them', () => {
    const keeper = new TallyKeeper(undefined, FOUR_BYTES);
    const results: SessionResult[] = [
      'success',
      'failed',
      'success',
      'warning',
      'success',
      'failed',
    ];
    for (const [n, result] of results.entries()) keeper.add(ended(`vm${n}`, result));
    const { counts, progress, tasks, omittedTasks } = keeper.tally;
    expect(tasks.map(({ workload }) => workload)).toEqual(['vm0', 'vm1', 'vm3', 'vm5']);
    expect(omittedTasks).toBe(2);
    expect(counts).toMatchObject({ success: 3, warning: 1, failed: 2 });
    expect(progress.transferredBytes).toBe(18);
  });

  it('says what it left out that has no file of its own', () => {
    const keeper = new TallyKeeper(undefined, FOUR_BYTES);
    const omitted = Array.from({ length: 6 }, (_, n) =>
      keeper.add(ended(`vm${n}`, 'success', { recorded: n === 1 })),
    );
    expect(omitted.flat().map(({ workload }) => workload)).toEqual(['vm5']);
    expect(keeper.tally.omittedTasks).toBe(2);
  });

  it('leaves out what has a file of its own before what has none', () => {
    const keeper = new TallyKeeper(undefined, FOUR_BYTES);
    for (let n = 0; n < 5; n++) keeper.add(ended(`vm${n}`, 'success', { recorded: n === 1 }));
    expect(keeper.tally.tasks.map(({ workload }) => workload)).toEqual([
      'vm0',
      'vm2',
      'vm3',
      'vm4',
    ]);
  });

  it('goes on from what it carried', () => {
    const before = new TallyKeeper(undefined, FOUR_BYTES);
    for (let n = 0; n < 6; n++) before.add(ended(`vm${n}`, 'success'));
    const after = new TallyKeeper(before.tally, FOUR_BYTES);
    after.add(ended('db7', 'failed'));
    expect(after.tally.tasks.map(({ workload }) => workload)).toEqual(['vm0', 'vm1', 'vm2', 'db7']);
    expect(after.tally).toMatchObject({ omittedTasks: 3, counts: { success: 6, failed: 1 } });
  });
});
