import { expect, it } from 'vitest';
import { namedLook, type FoundWorkload } from '../../../../src/domain/sources/found-workload.js';

const web01 = { id: 'ovirt-1', name: 'web01', type: 'ovirt-kvm' } as FoundWorkload;

it.each<[string, FoundWorkload[], boolean]>([
  ['shows backups of others', [web01], true],
  ['shows nothing', [], false],
  ['shows machines that run and no backup', [{ ...web01, isOnlySeen: true }], false],
])('a source that %s tells whether what was not found is there', (_, workloads, isWhole) => {
  expect(namedLook(workloads, 'db07')).toEqual({ found: [], isWhole });
});
