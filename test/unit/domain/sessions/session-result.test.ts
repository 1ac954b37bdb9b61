import { NOTHING_MOVED } from '../../../../src/domain/targets/moved-bytes.js';
import { describe, expect, it } from 'vitest';
import {
  NO_PROGRESS,
  type CopyProgress,
  type SessionResult,
  type TaskState,
} from '../../../../src/domain/sessions/copy-session.js';
import {
  sessionResult,
  shownProgress,
  sumProgress,
  taskProgress,
} from '../../../../src/domain/sessions/session-result.js';

const outcome = (workload: string, result: SessionResult | null, reason: string | null = null) => ({
  workload,
  result,
  reason,
});

describe('session result', () => {
  it.each<[SessionResult[], SessionResult]>([
    [['success'], 'success'],
    [['success', 'nothingToCopy'], 'success'],
    [['nothingToCopy', 'nothingToCopy'], 'nothingToCopy'],
    [['success', 'warning', 'nothingToCopy'], 'warning'],
    [['success', 'stopped', 'warning'], 'stopped'],
    [['success', 'actionRequired'], 'actionRequired'],
    [['warning', 'actionRequired', 'stopped'], 'actionRequired'],
    [['success', 'failed', 'success'], 'failed'],
    [['actionRequired', 'failed', 'stopped', 'warning'], 'failed'],
  ])('of tasks %j is %s', (results, expected) => {
    const tasks = results.map((result, index) => outcome(`vm${String(index)}`, result));
    expect(sessionResult(tasks).result).toBe(expected);
    expect(sessionResult(tasks.toReversed()).result).toBe(expected);
  });

  it('has no reason when all went well', () => {
    expect(sessionResult([outcome('web01', 'success')])).toEqual({
      result: 'success',
      reason: null,
    });
  });

  it('counts what is told of the definition of the job among no workloads', () => {
    const ofJob = outcome('definition of the job', 'nothingToCopy', '`exclude` names nothing');
    const failed = outcome('db01', 'failed', 'target is full');
    expect(sessionResult([failed, ofJob]).reason).toBe('db01: target is full');
    expect(sessionResult([failed, ofJob, outcome('web01', 'success')]).reason).toBe(
      '1 of 2 workloads failed: db01: target is full',
    );
    const none = 'no workload matches the sources of the job';
    const alone = [ofJob, ofJob, outcome('definition of the job', 'warning', none)];
    expect(sessionResult(alone)).toEqual({
      result: 'warning',
      reason: `definition of the job: ${none}`,
    });
  });

  it('names the tasks that decided it, with their reasons', () => {
    const tasks = [
      outcome('web01', 'success'),
      outcome('db01', 'failed', 'target is full'),
      outcome('db02', 'warning', 'slow'),
    ];
    expect(sessionResult(tasks)).toEqual({
      result: 'failed',
      reason: '1 of 3 workloads failed: db01: target is full',
    });
    expect(sessionResult([outcome('web01', 'nothingToCopy', 'newest is copied already')])).toEqual({
      result: 'nothingToCopy',
      reason: 'web01: newest is copied already',
    });
  });

  it('says once what all of the named tasks need', () => {
    const hint = 'Free space, or keep less (`longhaul job edit`). Then start it again.';
    const full = (name: string) => outcome(name, 'failed', `no room for "${name}.qcow2". ${hint}`);
    expect(sessionResult([full('db01'), full('db02')]).reason).toBe(
      `2 of 2 workloads failed: db01: no room for "db01.qcow2".; db02: no room for "db02.qcow2". ${hint}`,
    );
    expect(sessionResult([full('db01'), outcome('web01', 'success')]).reason).toBe(
      `1 of 2 workloads failed: db01: no room for "db01.qcow2". ${hint}`,
    );
    const other = outcome('web01', 'failed', 'no room. Ask somebody.');
    expect(sessionResult([full('db01'), other]).reason).toBe(
      `2 of 2 workloads failed: db01: no room for "db01.qcow2". ${hint}; web01: no room. Ask somebody.`,
    );
    const same = outcome('db02', 'failed', hint);
    expect(sessionResult([{ ...same, workload: 'db01' }, same]).reason).toBe(
      '2 of 2 workloads failed: db01: Free space, or keep less (`longhaul job edit`).; db02: Free space, or keep less (`longhaul job edit`). Then start it again.',
    );
  });

  it('names three tasks and counts the rest', () => {
    const tasks = Array.from({ length: 10 }, (_, index) => outcome(`vm${String(index)}`, 'failed'));
    expect(sessionResult(tasks).reason).toBe(
      '10 of 10 workloads failed: vm0; vm1; vm2; and 7 more',
    );
  });

  it('is a warning when no workload was there, and failed when a task ended without a result', () => {
    expect(sessionResult([])).toEqual({
      result: 'warning',
      reason: 'no workload matches the sources of the job',
    });
    expect(sessionResult([outcome('web01', null)])).toEqual({
      result: 'failed',
      reason: 'web01: ended without a result',
    });
  });
});

describe('progress', () => {
  const counts = { ...NOTHING_MOVED, processedInAttemptBytes: 0, elapsedMs: 0 };
  const task = (state: TaskState, progress: Partial<CopyProgress>) => ({
    state,
    progress: { ...NO_PROGRESS, ...progress },
  });

  it('takes the speed from the running attempt and the rest of the time from the speed', () => {
    const progress = taskProgress({
      processedBytes: 600,
      totalBytes: 1000,
      readBytes: 500,
      transferredBytes: 300,
      reusedBytes: 100,
      storedBytes: 400,
      processedInAttemptBytes: 200,
      elapsedMs: 2000,
    });
    expect(progress).toEqual({
      percent: 60,
      processedBytes: 600,
      totalBytes: 1000,
      readBytes: 500,
      transferredBytes: 300,
      reusedBytes: 100,
      storedBytes: 400,
      bytesPerSecond: 100,
      etaSeconds: 4,
    });
  });

  it.each([
    [0, 0, 0],
    [999_999, 1_000_000, 99.9],
    [1_000_000, 1_000_000, 100],
    [417, 1000, 41.7],
  ])('of %d of %d bytes is %d percent', (processedBytes, totalBytes, percent) => {
    expect(taskProgress({ ...counts, processedBytes, totalBytes }).percent).toBe(percent);
  });

  it('adds up bytes of all tasks and speeds of the running ones', () => {
    const sum = sumProgress([
      task('ended', {
        processedBytes: 500,
        totalBytes: 500,
        readBytes: 9,
        transferredBytes: 1,
        reusedBytes: 2,
        storedBytes: 3,
        bytesPerSecond: 70,
      }),
      task('copying', {
        processedBytes: 100,
        totalBytes: 500,
        readBytes: 1,
        transferredBytes: 1,
        reusedBytes: 2,
        storedBytes: 3,
        bytesPerSecond: 10,
      }),
    ]);
    expect(sum).toEqual({
      percent: 60,
      processedBytes: 600,
      totalBytes: 1000,
      readBytes: 10,
      transferredBytes: 2,
      reusedBytes: 4,
      storedBytes: 6,
      bytesPerSecond: 10,
      etaSeconds: 40,
    });
  });

  it('is never done, with no time left, while tasks wait whose bytes nobody knows', () => {
    const ended = task('ended', { processedBytes: 500, totalBytes: 500 });
    const copying = task('copying', { processedBytes: 99, totalBytes: 100, bytesPerSecond: 1 });
    const unknown = { percent: 99.8, etaSeconds: null };
    expect(sumProgress([ended, copying])).toMatchObject({ percent: 99.8, etaSeconds: 1 });
    expect(sumProgress([ended, copying], 1)).toMatchObject(unknown);
    expect(sumProgress([ended, copying, task('inspecting', {})])).toMatchObject(unknown);
    expect(sumProgress([ended], 1)).toMatchObject({ percent: 99.9, etaSeconds: null });
    expect(sumProgress([ended])).toMatchObject({ percent: 100 });
  });

  it('is not known to end while restore points come behind the one in work', () => {
    const done = {
      percent: 100,
      etaSeconds: 0,
      processedBytes: 900,
      totalBytes: 900,
      bytesPerSecond: 9,
    };
    const unknown = { percent: 99.9, etaSeconds: null };
    const backlog = { ...task('copying', done), remainingPoints: 1 };
    expect(shownProgress(backlog)).toMatchObject(unknown);
    expect(sumProgress([backlog])).toMatchObject(unknown);
    const last = { ...backlog, remainingPoints: 0 };
    expect([shownProgress(last), sumProgress([last])]).toMatchObject([
      { percent: 100, etaSeconds: 0 },
      { percent: 100, etaSeconds: 0 },
    ]);
    // What was stopped is over, and so is what it would have copied.
    expect(shownProgress({ ...backlog, state: 'ended' })).toMatchObject({ percent: 100 });
  });

  it('is at 100 percent when all tasks ended with nothing to copy, and at 0 before', () => {
    expect(sumProgress([task('ended', {}), task('ended', {})]).percent).toBe(100);
    expect(sumProgress([task('ended', {}), task('waiting', {})]).percent).toBe(0);
    expect(sumProgress([]).percent).toBe(0);
  });
});
