import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { availablePoints, type ChainRecord } from '../../../src/chain/chain-record.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { BLOCK_BYTES } from '../../../src/domain/digest.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory-repository.js';
import { fencedRepository } from '../../../src/repository/fenced-repository.js';
import { makeLargeChain } from '../../support/session/large-chain.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

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

  async function record(): Promise<ChainRecord> {
    const [workload] = await listSourceWorkloads(source);
    return (await readChainRecord(target, chainFolder('nightly', workload!.id)))!;
  }

  const nowMs = Date.UTC(2026, 10, 25);

  it('refuses a copy whose block the storage did not keep as it was written', async () => {
    const sessions = new LocalSessions([source, spoilFirstWrite(target)]);
    const { result, reason } = await sessions.tryToCopy(testJob(), nowMs);
    expect(result).toBe('failed');
    expect(reason).toMatch(/\.qcow2: .*byte 65536 /);
    expect(availablePoints(await record())).toEqual([]);
  });

  it('refuses a merge whose block the storage did not keep as it was written', async () => {
    await new LocalSessions([source, target]).copy(testJob(), nowMs);
    const merging = testJob({ retention: { type: 'restorePoints', value: 1 } });
    const sessions = new LocalSessions([source, spoilFirstWrite(target)]);
    const { result, reason } = await sessions.copy(merging, nowMs + 3_600_000);
    expect(result).toBe('warning');
    expect(reason).toMatch(/\.qcow2: .*byte \d+ /);
    expect((await record()).pending).toMatchObject({ type: 'merge' });
  });
});
