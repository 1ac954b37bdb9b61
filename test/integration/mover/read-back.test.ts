import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { availablePoints } from '../../../src/chain/chain-record.js';
import { BLOCK_BYTES } from '../../../src/domain/digest.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory-repository.js';
import { fencedRepository } from '../../../src/repository/fenced-repository.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { makeLargeChain } from '../../support/session/large-chain.js';

/** The repository, which from now on stores the first data written to an image with one bit wrong and says nothing. */
function spoilFirstWrite(repository: BackupRepository): BackupRepository {
  let isSpoilt = false;
  return {
    ...fencedRepository(repository, () => undefined),
    async openWrite(path, create) {
      const file = await repository.openWrite(path, create);
      return {
        path: file.path,
        read: (target, offset) => file.read(target, offset),
        stamp: () => file.stamp(),
        truncate: (sizeBytes) => file.truncate(sizeBytes),
        sync: () => file.sync(),
        close: () => file.close(),
        async write(source, offset) {
          const isData = path.endsWith('.qcow2') && source.length >= BLOCK_BYTES;
          if (isSpoilt || !isData) return file.write(source, offset);
          isSpoilt = true;
          const spoilt = Buffer.from(source);
          spoilt[BLOCK_BYTES - 1]! ^= 1;
          await file.write(spoilt, offset);
        },
      };
    },
  };
}

describe('reading back what was written', () => {
  let folder: string;
  let source: BackupRepository;
  let target: BackupRepository;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longhaul-read-back-'));
    const machine = join(folder, 'primary', 'mail01');
    await mkdir(machine, { recursive: true });
    await mkdir(join(folder, 'offsite'));
    await makeLargeChain(machine, { sizeMiB: 20, seed: 'read back' });
    const open = (id: string, readOnly: boolean) =>
      openDirectoryRepository({ id, rootPath: join(folder, id), readOnly });
    source = await open('primary', true);
    target = await open('offsite', false);
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function copyOrder() {
    const [workload] = await listSourceWorkloads(source);
    const { id, name } = workload!;
    return {
      jobId: 'nightly',
      owner: 'session-1',
      workload: { id, name, type: 'olvm-rhv' as const },
      sourceRepositoryId: 'primary',
      targetRepositoryId: 'offsite',
      restorePoints: 'all' as const,
    };
  }

  it('refuses a copy whose block the storage did not keep as it was written', async () => {
    const order = await copyOrder();
    const mover = new InProcessMover(source, spoilFirstWrite(target));
    await expect(mover.copy(order)).rejects.toMatchObject({
      code: 'BLOCK_DIGEST_MISMATCH',
      details: { offset: BLOCK_BYTES },
    });
    expect(availablePoints(await mover.chain(order))).toEqual([]);
  });

  it('refuses a merge whose block the storage did not keep as it was written', async () => {
    const order = await copyOrder();
    await new InProcessMover(source, target).copy(order);
    const mover = new InProcessMover(source, spoilFirstWrite(target));
    const retention = { type: 'restorePoints', value: 1 } as const;
    const job = { mode: 'periodic', gfs: null, retention, timeZone: 'UTC' } as const;
    await expect(mover.maintain(order, job, Date.UTC(2026, 10, 25))).rejects.toMatchObject({
      code: 'BLOCK_DIGEST_MISMATCH',
    });
    expect((await mover.chain(order)).pending).toMatchObject({ type: 'merge' });
  });
});
