import { describe, expect, it } from 'vitest';
import {
  bottleneckOf,
  bottleneckOfAll,
  slowestPart,
  holdOf,
  type Bottleneck,
  type Hold,
} from '../../../../src/domain/sessions/bottleneck.js';
import { newTask, type CopyTask } from '../../../../src/domain/sessions/copy-session.js';
import {
  moverTimes,
  NO_TIMES,
  sumTimes,
  type MoverTimes,
} from '../../../../src/domain/sessions/mover-times.js';

const SOURCE: MoverTimes = { sourceMs: 700, targetMs: 200, limitMs: 0, processorMs: 100 };
const LIMIT: MoverTimes = { sourceMs: 10, targetMs: 20, limitMs: 900, processorMs: 70 };

function task(changes: Partial<CopyTask>): CopyTask {
  return { ...newTask('web01', 'web01'), ...changes };
}

describe('the times of a copy', () => {
  it('give to the processor what is left, and never less than nothing', () => {
    const waited = { sourceMs: 200.4, targetMs: 300, limitMs: 0 };
    expect(moverTimes({ ...waited, loopMs: 1_000 })).toEqual({
      sourceMs: 200,
      targetMs: 300,
      limitMs: 0,
      processorMs: 500,
    });
    expect(moverTimes({ ...waited, loopMs: 450 }).processorMs).toBe(0);
  });

  it('add up part by part, also with those of which nothing is known', () => {
    expect(sumTimes([SOURCE, null, LIMIT])).toEqual({
      sourceMs: 710,
      targetMs: 220,
      limitMs: 900,
      processorMs: 170,
    });
  });

  it('name the largest part, and none when nearly nothing was measured', () => {
    expect(slowestPart(SOURCE)).toBe('source');
    expect(slowestPart({ ...SOURCE, targetMs: 800 })).toBe('target');
    expect(slowestPart(LIMIT)).toBe('limit');
    expect(slowestPart({ ...NO_TIMES, processorMs: 101 })).toBe('processor');
    expect(slowestPart({ ...NO_TIMES, processorMs: 99 })).toBeNull();
    expect(slowestPart(null)).toBeNull();
  });
});

describe('what holds a task up', () => {
  it.each<[string, Partial<CopyTask>, MoverTimes | null, Hold, Bottleneck | null]>([
    [
      'the part that is slow just now',
      { state: 'copying', moverTimes: SOURCE },
      LIMIT,
      null,
      'limit',
    ],
    [
      'the slowest part of before at the begin of a batch',
      { state: 'copying', moverTimes: SOURCE },
      NO_TIMES,
      null,
      'source',
    ],
    ['a comparison', { state: 'planning' }, SOURCE, null, 'source'],
    [
      'a step that is tried again, whatever else',
      { state: 'copying', moverTimes: SOURCE },
      LIMIT,
      'retry',
      'retry',
    ],
    [
      'storage that does not answer, whatever else',
      { state: 'copying', moverTimes: SOURCE },
      LIMIT,
      holdOf({ waits: {}, retry: {} }),
      'storage',
    ],
    ['its turn', { state: 'waiting', waitsFor: 'turn', moverTimes: SOURCE }, null, null, 'turn'],
    ['the hours of its job', { state: 'waiting', waitsFor: 'hours' }, null, null, 'hours'],
    [
      'a restore point that may not be whole',
      { state: 'waiting', waitsFor: 'point' },
      null,
      null,
      'point',
    ],
    ['somebody who paused it', { state: 'paused', waitsFor: 'pause' }, null, null, 'pause'],
    ['nothing that is measured', { state: 'composing', moverTimes: SOURCE }, null, null, null],
    [
      'most of its time, once it has ended',
      { state: 'ended', moverTimes: SOURCE },
      null,
      null,
      'source',
    ],
  ])('is %s', (_what, changes, recent, hold, expected) => {
    expect(bottleneckOf(task(changes), recent, hold)).toBe(expected);
  });
});

describe('what holds a session up', () => {
  const of = (
    state: CopyTask['state'],
    bottleneck: Bottleneck | null,
    times: MoverTimes | null,
  ) => ({
    state,
    bottleneck,
    moverTimes: times,
  });
  it.each<[string, Parameters<typeof bottleneckOfAll>[0], Bottleneck | null]>([
    [
      'what its moving tasks share, whatever others wait for',
      [of('copying', 'limit', SOURCE), of('waiting', 'turn', null)],
      'limit',
    ],
    [
      'the slowest part of all that move',
      [of('copying', 'limit', LIMIT), of('copying', 'source', { ...SOURCE, sourceMs: 2_000 })],
      'source',
    ],
    [
      'what all of them wait for',
      [of('waiting', 'hours', null), of('waiting', 'hours', SOURCE)],
      'hours',
    ],
    [
      'not known when they wait for different things',
      [of('waiting', 'turn', null), of('waiting', 'point', null)],
      null,
    ],
    [
      'the slowest part of all, once it has ended',
      [of('ended', 'source', SOURCE), of('ended', 'limit', LIMIT)],
      'limit',
    ],
    ['not known without tasks', [], null],
  ])('is %s', (_what, tasks, expected) => {
    expect(bottleneckOfAll(tasks)).toBe(expected);
  });
});
