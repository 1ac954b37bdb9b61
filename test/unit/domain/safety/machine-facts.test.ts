import { expect, it } from 'vitest';
import { copiedMachines, shownMachines } from '../../../../src/domain/safety/machine-facts.js';
import type { SourceRestorePoint } from '../../../../src/domain/sources/source-workload.js';
import { parentFolder } from '../../../../src/repository/repository-path.js';
import { targetChain } from '../retention/chain-builder.js';

const NOW_MS = Date.parse('2026-11-26T12:00:00Z');

function seconds(instant: string): number {
  return Date.parse(instant) / 1_000;
}

it('tells the newest whole snapshot of each machine, what has waited the longest first', () => {
  const points = [
    ['vm/100/a', '2026-11-25T02:00:00Z', 'complete'],
    ['vm/100/b', '2026-11-26T02:00:00Z', 'incomplete'],
    ['ct/200/a', '2026-11-24T02:00:00Z', 'complete'],
    ['ct/200/b', '2026-11-23T02:00:00Z', 'complete'],
    ['ns/dmz/host/web/a', '2026-11-26T02:00:00Z', 'incomplete'],
  ].map(([id, at, state]) => ({ id, createdAtMs: Date.parse(at!), state }));
  expect(shownMachines(points as unknown as SourceRestorePoint[], parentFolder)).toEqual([
    { name: 'ns/dmz/host/web', newestAtSeconds: null },
    { name: 'ct/200', newestAtSeconds: seconds('2026-11-24T02:00:00Z') },
    { name: 'vm/100', newestAtSeconds: seconds('2026-11-25T02:00:00Z') },
  ]);
});

it('counts no copy of a machine that is damaged, and none as newer than what is believed of its date', () => {
  const days = ['23', '24', '25', '26'].map((day) => `2026-11-${day}T02:00:00Z`);
  const ids = ['vm/100/a', 'ct/200/a', 'vm/100/b', 'ct/200/b'];
  const points = targetChain(days).map((point, index) => ({
    ...point,
    parentId: null,
    kind: 'full' as const,
    health: index === 3 ? ('corrupt' as const) : ('good' as const),
    source: { ...point.source, restorePointId: ids[index]! },
  }));
  expect(copiedMachines(points, parentFolder, NOW_MS)).toEqual([
    { name: 'ct/200', newestAtSeconds: seconds(days[1]!) },
    { name: 'vm/100', newestAtSeconds: seconds(days[2]!) },
  ]);
});
