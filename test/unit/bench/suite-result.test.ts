import { describe, expect, it } from 'vitest';
import { seriesTogether, suiteResult, type GoalResult } from '../../../bench/results.js';
import type { Round } from '../../../bench/rounds.js';
import type { OwnCase, Suite } from '../../../bench/suite.js';

const peer = (name: string) => ({ name, run: () => Promise.resolve(0) });
const fastestOf = ['buffered', 'direct'];
const SUITE: Suite = {
  own: [],
  peers: [peer('ours'), peer('buffered'), peer('direct')],
  goals: [
    { ours: 'ours', peer: 'buffered', limit: 1, fastestOf },
    { ours: 'ours', peer: 'direct', limit: 1, fastestOf },
  ],
};

function rounds(seconds: Round['seconds']): Round[] {
  return Array.from({ length: 3 }, () => {
    const cpuSeconds = { ours: 0, buffered: 0, direct: 0 };
    return { seconds, cpuSeconds, others: 0, diskSpeed: 500 };
  });
}

describe('suiteResult', () => {
  it('holds us against the faster of two ways to run a peer, and only shows the other', async () => {
    const { goals } = await suiteResult(SUITE, rounds({ ours: 2, buffered: 4, direct: 1 }));
    expect(goals).toMatchObject([
      { goal: 'ours / buffered', measured: '0.50', limit: null, state: 'shown' },
      { goal: 'ours / direct', measured: '2.00', limit: '≤ 1.00', state: 'missed' },
    ]);
  });

  it('follows the peer that is faster in this run', async () => {
    const { goals } = await suiteResult(SUITE, rounds({ ours: 2, buffered: 4, direct: 5 }));
    expect(goals.map(({ state }) => state)).toEqual(['met', 'shown']);
  });

  it('says so when too few rounds were quiet, and takes no others', async () => {
    const few = rounds({ ours: 9, buffered: 1, direct: 1 }).slice(0, 2);
    const { goals } = await suiteResult(SUITE, few);
    expect(goals.map(({ state }) => state)).toEqual(['notMeasurable', 'notMeasurable']);
  });

  it('says so of times, too, also when no round was quiet', async () => {
    const own = { name: 'ours', delaysMs: [1], mover: { peakMemoryMiB: () => Promise.resolve(1) } };
    const timed = { own: [own as unknown as OwnCase], peers: [], goals: [], maxSeconds: 2 };
    const few = rounds({ ours: 1 }).slice(0, 2);
    for (const quiet of [[], few])
      expect((await suiteResult(timed, quiet)).goals[0]).toMatchObject({
        ...{ goal: 'ours', measured: 'not measurable', limit: '≤ 2 s', state: 'notMeasurable' },
      });
    const { goals } = await suiteResult(timed, rounds({ ours: 1 }));
    expect(goals[0]).toMatchObject({ goal: 'ours', measured: '1.00 s', state: 'met' });
  });

  it('takes a goal as met where the disk itself is no faster', async () => {
    const goals = [{ ours: 'ours', peer: 'direct', limit: 1, orDisk: true }];
    // 950 MiB in 2 s at 500 MiB/s are 95 % of the disk's speed; 949 are not.
    const bound = { ...SUITE, goals, outputMiB: 950 };
    const slower = { ...SUITE, goals, outputMiB: 949 };
    const measured = rounds({ ours: 2, buffered: 1, direct: 1 });
    expect((await suiteResult(bound, measured)).goals[0]).toMatchObject({ state: 'met' });
    expect((await suiteResult(slower, measured)).goals[0]).toMatchObject({ state: 'missed' });
  });
});

describe('seriesTogether', () => {
  const series = (measured: string, state: GoalResult['state'], note = '') => ({
    goals: [{ goal: 'restore / convert', measured, limit: '≤ 1.00', state, note }],
    cases: [],
  });
  const [first, second] = ['1.20–1.40 in 5 rounds', '0.90–1.50 in 4 rounds'];

  it('has missed a goal that both series miss, and shows both', () => {
    const { goals } = seriesTogether(
      series('1.31', 'missed', first),
      series('1.42', 'missed', second),
    );
    expect(goals).toMatchObject([
      {
        ...{ measured: '1.42', state: 'missed' },
        note: '0.90–1.50 in 4 rounds; first series 1.31 (1.20–1.40 in 5 rounds)',
      },
    ]);
  });

  it.each([
    ['the first', 'missed', 'met'],
    ['the second', 'met', 'missed'],
  ] as const)('has met a goal that only %s misses, and shows both', (_, before, after) => {
    const { goals } = seriesTogether(series('160 MiB', before), series('161 MiB', after));
    expect(goals).toMatchObject([
      { measured: '161 MiB', state: 'met', note: 'first series 160 MiB' },
    ]);
  });

  it('has missed a goal that the only series misses that could be measured', () => {
    const busy = series('not measurable', 'notMeasurable');
    const missed = series('1.31', 'missed');
    for (const [before, after] of [
      [busy, missed],
      [missed, busy],
    ] as const)
      expect(seriesTogether(before, after).goals).toMatchObject([{ state: 'missed' }]);
  });

  it('shows the second series alone of what neither misses', () => {
    const { goals } = seriesTogether(series('0.90', 'met', first), series('0.95', 'met', second));
    expect(goals).toMatchObject([{ measured: '0.95', state: 'met', note: second }]);
  });
});
