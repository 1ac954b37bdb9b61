import { describe, expect, it } from 'vitest';
import { ratioOf, type Round } from '../../../bench/rounds.js';

function round(ours: number, peer: number, others = 0): Round {
  return { seconds: { ours, peer }, cpuSeconds: {}, others };
}

describe('ratioOf', () => {
  it('is the median of the ratios of the rounds, not the ratio of the medians', () => {
    const rounds = [round(1, 2), round(6, 4), round(3, 3)];
    expect(ratioOf(rounds, 'ours', 'peer')).toEqual({
      median: 1,
      lowest: 0.5,
      highest: 1.5,
      rounds: 3,
      isDisturbed: false,
    });
  });

  it('leaves out rounds in which others had more than 8 % of the machine', () => {
    const rounds = [round(9, 1, 0.09), round(1, 2), round(1, 2, 0.08), round(1, 2)];
    expect(ratioOf(rounds, 'ours', 'peer')).toMatchObject({ median: 0.5, rounds: 3 });
  });

  it('takes all rounds and says so when fewer than three were quiet', () => {
    const rounds = [round(4, 1, 0.5), round(2, 1), round(2, 1), round(4, 1, 0.5)];
    expect(ratioOf(rounds, 'ours', 'peer')).toMatchObject({ median: 3, isDisturbed: true });
  });
});
