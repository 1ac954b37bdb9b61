import { expect, it } from 'vitest';
import { workloadTitles } from '../../../../src/domain/sources/workload-titles.js';

it('gives workloads of one name their ids, and others their names alone', () => {
  const listed = [
    { id: 'restic-a:repo', name: 'repo' },
    { id: 'restic-b:repo', name: 'repo' },
    // The same one, seen in two repositories.
    { id: 'ovirt-1', name: 'db01' },
    { id: 'ovirt-1', name: 'db01' },
  ];
  expect(listed.map(workloadTitles(listed))).toEqual([
    'repo (restic-a:repo)',
    'repo (restic-b:repo)',
    'db01',
    'db01',
  ]);
});
