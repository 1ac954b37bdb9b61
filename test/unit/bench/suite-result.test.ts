import { describe, expect, it } from 'vitest';
import { suiteResult } from '../../../bench/results.js';
import type { Round } from '../../../bench/rounds.js';
import type { Suite } from '../../../bench/suite.js';

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
    return { seconds, cpuSeconds: { ours: 0, buffered: 0, direct: 0 }, others: 0 };
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
});
