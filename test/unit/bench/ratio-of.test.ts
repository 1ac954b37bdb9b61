import { describe, expect, it } from 'vitest';
import { partOfDisk, ratioOf, runRounds, type Round } from '../../../bench/rounds.js';

function round(ours: number, peer: number, diskSpeed: number | null = null): Round {
  return { seconds: { ours, peer }, cpuSeconds: {}, others: 0, diskSpeed };
}

describe('ratioOf', () => {
  it('is the median of the ratios of the rounds, not the ratio of the medians', () => {
    const rounds = [round(1, 2), round(6, 4), round(3, 3)];
    expect(ratioOf(rounds, 'ours', 'peer')).toEqual({
      median: 1,
      lowest: 0.5,
      highest: 1.5,
      rounds: 3,
    });
  });

  it('says nothing when fewer than three rounds were quiet', () => {
    expect(ratioOf([round(4, 1), round(2, 1)], 'ours', 'peer')).toBeNull();
  });
});

describe('partOfDisk', () => {
  it('holds what was written against what the disk took in the same round', () => {
    // 1,000 MiB in 4, 2 and 5 s on a disk of 500 MiB/s, then in 5 s on one of 250: 0.5, 1, 0.4, 0.8.
    const rounds = [round(4, 1, 500), round(2, 1, 500), round(5, 1, 500), round(5, 1, 250)];
    expect(partOfDisk(rounds, 'ours', 1000)).toMatchObject({ median: 0.65, rounds: 4 });
  });

  it('says nothing of what is written to memory', () => {
    expect(partOfDisk([round(1, 1), round(1, 1), round(1, 1)], 'ours', 1000)).toBeNull();
  });
});

describe('runRounds', () => {
  // Other tests keep the disks busy.
  const settle = () => Promise.resolve();
  const OPTIONS = { count: 2, pids: [], touchMiB: 1, diskFolder: null, settle };

  it.each([
    [10, 4],
    [1, 5],
    [0.125, 40],
    [0.01, 60],
  ])(
    'repeats what takes %f s %i times first, and times it in each quiet round',
    async (lasts, times) => {
      const runs: string[] = [];
      const each = (name: string) => ({
        name,
        run: () => {
          runs.push(name);
          return Promise.resolve(lasts);
        },
      });
      const rounds = await runRounds([each('ours')], [each('peer')], OPTIONS);
      expect(runs.indexOf('peer')).toBeGreaterThanOrEqual(times);
      expect(runs.indexOf('peer')).toBeLessThanOrEqual(times + 1);
      expect(runs.length).toBeLessThanOrEqual(times + 2 * 2 * OPTIONS.count);
      expect(rounds.length).toBeLessThanOrEqual(OPTIONS.count);
      for (const { seconds } of rounds) expect(seconds).toEqual({ ours: lasts, peer: lasts });
    },
  );
});
