import { describe, expect, it } from 'vitest';
import {
  unmatchedLimits,
  unmatchedSources,
  type ShownWorkload,
} from '../../../../src/domain/jobs/unmatched-names.js';

const COUNT = 3_000;
const RPO = { maxCopyAgeHours: 24, maxLagHours: null };
const names = (prefix: string): string[] =>
  Array.from({ length: COUNT }, (_, index) => `${prefix}${index}`);

/** Workloads that count how often anybody asks for the id of one. */
function counted(): { readonly shown: ShownWorkload[]; readonly asked: () => number } {
  let asked = 0;
  const shown = names('vm').map((name) => ({
    repositoryId: 'primary',
    workload: {
      get id() {
        asked++;
        return `id-${name}`;
      },
      name,
    },
  }));
  return { shown, asked: () => asked };
}

describe('names of a definition for which there is nothing', () => {
  // All of it runs within one workflow task, which has some seconds.
  it('are found without a look at every workload for each of them', () => {
    const { shown, asked } = counted();
    const workloads = names('gone');
    const job = {
      sources: {
        include: [{ repositoryId: 'primary', workloads }],
        exclude: workloads.map((workload) => ({ workload })),
      },
      rpo: { ...RPO, workloads: workloads.map((workload) => ({ ...RPO, workload })) },
    };
    expect([...unmatchedSources(job, shown), ...unmatchedLimits(job, shown)]).toEqual([
      expect.stringContaining('`workloads` names what repository primary does not hold: gone0, '),
      expect.stringContaining('`exclude` names what no source of the job holds: gone0, '),
      expect.stringContaining(
        '`rpo` names what the job does not copy, or no source of it holds: g',
      ),
    ]);
    expect(asked()).toBeLessThan(10 * COUNT);
  });

  it('are not machines of a store that it has', () => {
    const store = { id: 'pbs-store1', name: 'store1' };
    const shown = [{ repositoryId: 'primary', workload: store, machines: ['vm/100', 'ct/200'] }];
    const limits = ['store1/vm/100', 'pbs-store1/ct/200', 'store1/vm/101', 'vm/100'];
    const job = {
      sources: { include: [{ repositoryId: 'primary' }], exclude: [] },
      rpo: { ...RPO, workloads: limits.map((workload) => ({ ...RPO, workload })) },
    };
    expect(unmatchedLimits(job, shown)).toEqual([
      expect.stringMatching(/holds: store1\/vm\/101, vm\/100$/),
    ]);
  });

  it('are exclusions by an id that a part of a workload had before: it is copied, and told', () => {
    const workload = { id: 'nutanix-ahv:web01', name: 'web01', otherIds: ['raw-ahv:web01-scsi.1'] };
    const exclude = [{ workload: 'raw-ahv:web01-scsi.1' }];
    const job = { sources: { include: [{ repositoryId: 'primary' }], exclude }, rpo: null };
    expect(unmatchedLimits(job, [{ repositoryId: 'primary', workload }])).toEqual([
      expect.stringMatching(
        /leaves none of them out: raw-ahv:web01-scsi\.1 \(now nutanix-ahv:web01\)/,
      ),
    ]);
  });
});
