import { randomUUID } from 'node:crypto';
import { afterEach, expect, it, vi } from 'vitest';
import { BackupError } from '../../../src/domain/errors.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { directoryKind } from '../../../src/repository/directory/directory-kind.js';
import { faultyProbe, StorageProbes } from '../../../src/repository/storage-probes.js';

afterEach(() => vi.restoreAllMocks());

it('probes a target anew that may not be written to any more, and goes on once it may', async () => {
  const fit = { probedAt: '2026-11-26T12:00:00Z', abilities: null, faults: [], warnings: [] };
  const probe = vi.spyOn(directoryKind, 'probe').mockResolvedValue(fit);
  const mayWrite = vi.spyOn(directoryKind, 'mayWrite').mockResolvedValue(true);
  const storage = { kind: 'directory', path: '/none' };
  const location = { id: 'offsite', storage, isReadOnly: false, isOpaque: false };
  const repository = {} as BackupRepository;
  const probes = new StorageProbes([location], () => Promise.resolve(repository));
  const faultsNow = async () => (await probes.of('offsite', false))?.faults;
  expect([await faultsNow(), await faultsNow()]).toEqual([[], []]);
  expect(probe).toHaveBeenCalledTimes(1);

  mayWrite.mockResolvedValue(false);
  probe.mockRejectedValue(new BackupError('REPOSITORY_READ_ONLY', 'it is mounted read-only'));
  expect(await faultsNow()).toEqual(['it is mounted read-only (REPOSITORY_READ_ONLY)']);

  mayWrite.mockResolvedValue(true);
  probe.mockResolvedValue(fit);
  expect([await faultsNow(), await faultsNow()]).toEqual([[], []]);
});

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
