import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { BackupError } from '../../../src/domain/errors.js';
import { faultyProbe } from '../../../src/repository/storage-probes.js';

it('tells the same fault in the same words at each look, although each probe has a name of its own', () => {
  const full = () => {
    const path = `.longhaul/probe-${randomUUID()}/file`;
    const text = `Repository "small": cannot write "${path}": no space is left (ENOSPC).`;
    return faultyProbe(new BackupError('REPOSITORY_FULL', text)).faults;
  };
  expect(full()).toEqual([
    'Repository "small": cannot write ".longhaul/probe/file": no space is left (ENOSPC). (REPOSITORY_FULL)',
  ]);
  expect(full()).toEqual(full());
});
