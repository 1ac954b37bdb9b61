import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { availablePoints, type ChainRecord } from '../../../src/chain/chain-record.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { BLOCK_BYTES } from '../../../src/domain/targets/digest.js';
import { BackupError } from '../../../src/domain/errors.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import type { FolderRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { makeLargeChain } from '../../support/session/large-chain.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

/** The repository, which from now on stores the first data written to an image with one bit wrong and says nothing. */
function spoilFirstWrite(repository: FolderRepository): FolderRepository {
  let isSpoilt = false;
  return {
    ...repository.fenced(() => undefined),
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

/** The repository, whose page cache is right and whose disk has one bit of each such piece of a backup file wrong. */
function spoiltOnDisk(
  repository: FolderRepository,
  isSpoilt: (offset: number) => boolean,
): FolderRepository {
  return {
    ...repository.fenced(() => undefined),
    async openReadPastCache(path) {
      const file = await repository.openReadPastCache(path);
      return {
        path: file.path,
        stamp: () => file.stamp(),
        close: () => file.close(),
        async read(target, offset) {
          const length = await file.read(target, offset);
          if (isSpoilt(offset)) target[1000]! ^= 1;
          return length;
        },
      };
    },
  };
}

describe('reading back what was written', () => {
  let folder: string;
  let source: FolderRepository;
  let target: FolderRepository;
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

  const direct = testJob({ storage: { digest: 'sha256', verifyAfterCopy: 'direct' } });

  it('compares with what the storage holds, where the job asks for it', async () => {
    const { result } = await new LocalSessions([source, target]).copy(direct, nowMs);
    expect(result).toBe('success');
    expect(availablePoints(await record())).toHaveLength(2);
  });

  it.each([
    ['a block', (offset: number) => offset >= BLOCK_BYTES, /byte \d{5,} is not on the storage/],
    ['the header', (offset: number) => offset === 0, /byte 0 is not on the storage/],
  ])('finds %s that the page cache hides', async (_, isSpoilt, reason) => {
    const sessions = new LocalSessions([source, spoiltOnDisk(target, isSpoilt)]);
    const task = await sessions.tryToCopy(direct, nowMs);
    expect(task.result).toBe('failed');
    expect(task.reason).toMatch(reason);
    expect(availablePoints(await record())).toEqual([]);
    const { result } = await sessions.copy(testJob(), nowMs);
    expect(result).toBe('success');
  });

  it('says what to do where the storage cannot be read past the cache', async () => {
    const unsuited: FolderRepository = {
      ...target.fenced(() => undefined),
      openReadPastCache: (path) =>
        Promise.reject(new BackupError('REPOSITORY_UNSUITED', `cannot read ${path} like that`)),
    };
    const task = await new LocalSessions([source, unsuited]).tryToCopy(direct, nowMs);
    expect(task.result).toBe('failed');
    expect(task.reason).toContain('storage.verifyAfterCopy');
  });
});
