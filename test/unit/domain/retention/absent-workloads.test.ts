import { expect, it } from 'vitest';
import {
  absentWorkloads,
  type KeptWorkload,
} from '../../../../src/domain/retention/absent-workloads.js';

const JOB = { sources: { include: [{ repositoryId: 'primary' }], exclude: [] } };

function kept(id: string, missed: string | null): KeptWorkload {
  const workload = { id, name: id, type: 'libvirt-kvm', repositoryId: 'primary' } as const;
  return missed === null
    ? { ...workload, wasMissed: false }
    : { ...workload, wasMissed: true, lastMissedAt: missed };
}

it('names workloads that are seen again first, and of the others first what was looked for the longest time ago', () => {
  const all = [
    kept('a', '2026-11-26T02:00:00.000Z'),
    kept('b', '2026-11-24T02:00:00.000Z'),
    kept('c', '2026-11-25T02:00:00.000Z'),
    kept('d', '2026-11-26T02:00:00.000Z'),
    kept('e', null),
    ...['f', 'g', 'h', 'i'].map((id) => kept(id, null)),
  ];
  const seen = new Set(['d', 'f', 'g', 'h', 'i']);
  const { doubted, workloads } = absentWorkloads(JOB, all, seen);
  expect(doubted).toEqual([]);
  expect(workloads).toEqual([
    { id: 'd', isSeen: true },
    ...['e', 'b', 'c', 'a'].map((id) => ({ id, isSeen: false })),
  ]);
});

it('doubts a source that lacks many workloads at once, however many copies of dates it has pruned', () => {
  const pruned = Array.from({ length: 60 }, (_, day) => {
    const date = new Date(Date.UTC(2026, 8, 1 + day)).toISOString().slice(0, 10);
    return kept(`rman-free-b:${date}`, null);
  });
  const machines = Array.from({ length: 15 }, (_, index) => kept(`vm${index}`, null));
  const shown = new Set(['rman-free-b', 'rman-free-b:<date>']);
  const all = [kept('rman-free-b', null), ...pruned, ...machines];
  expect(absentWorkloads(JOB, all, shown)).toMatchObject({
    doubted: [{ repositoryId: 'primary', known: 16, missing: 15 }],
    workloads: [],
  });
});

it('counts no copy of a date as gone that the source has pruned, as long as it shows what all dates are now', () => {
  const dates = ['rman-free-b:2026-11-01', 'rman-free-b:2026-11-02', 'rman-free-c:2026-11-01'];
  const all = [kept('rman-free-b', null), ...dates.map((id) => kept(id, null))];
  const others = ['f', 'g', 'h'].map((id) => kept(id, null));
  const shown = new Set([
    ...['rman-free-b', 'rman-free-b:<date>', 'rman-free-b:2026-11-02'],
    ...['f', 'g', 'h'],
  ]);
  expect(absentWorkloads(JOB, [...all, ...others], shown)).toEqual({
    doubted: [],
    workloads: [{ id: 'rman-free-c:2026-11-01', isSeen: false }],
  });
});
