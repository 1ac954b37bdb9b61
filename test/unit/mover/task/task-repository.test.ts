import { describe, expect, it } from 'vitest';
import { TaskControl } from '../../../../src/mover/task/task-control.js';
import { taskRepository } from '../../../../src/mover/task/task-repository.js';
import type {
  BackupRepository,
  ReadableFile,
} from '../../../../src/repository/backup-repository.js';
import { RateMeters } from '../../../../src/repository/rate-meters.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

const SLOW_MS = 20;
const PARTS = ['sourceNs', 'targetNs', 'limitNs'] as const;

/** As a disk that takes its time: the thread stands still. */
function stand(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SLOW_MS);
}

describe('a repository of a task', () => {
  const file = { path: 'a/disk', close: () => Promise.resolve() } as ReadableFile;
  const slow = {
    id: 'primary',
    // Nothing is written to it.
    fenced() {
      return this;
    },
    openRead: () =>
      Promise.resolve({
        ...file,
        read(target: Uint8Array) {
          stand();
          return Promise.resolve(target.byteLength);
        },
      }),
  } as unknown as BackupRepository;

  /** @returns the parts of which at least the time of the slow call was told */
  async function slowParts(
    repository: BackupRepository,
    meters: RateMeters,
    work: (repository: BackupRepository) => Promise<unknown>,
  ): Promise<string[]> {
    const control = new TaskControl();
    const input = { targetRepositoryId: 'offsite', workloadId: 'web01' };
    await work(taskRepository(repository, control, meters, input));
    return PARTS.filter((part) => control.get(part) >= SLOW_MS * 0.9e6);
  }
  const read = async (repository: BackupRepository) => {
    const opened = await repository.openRead('a/disk');
    return opened.read(new Uint8Array(1_024), 0);
  };

  it('tells time of reading a source as such, and of reading back what was written as time of the target', async () => {
    expect(await slowParts(slow, RateMeters.of([]), read)).toEqual(['sourceNs']);
    const target = { ...slow, id: 'offsite' };
    expect(await slowParts(target, RateMeters.of([]), read)).toEqual(['targetNs']);
  });

  it('tells time of writing as time of the target', async () => {
    const repository = new SimulatedRepository('offsite');
    const slowly = {
      ...repository,
      id: 'offsite',
      fenced() {
        return this;
      },
      put() {
        stand();
        return Promise.resolve();
      },
    } as unknown as BackupRepository;
    const put = (opened: BackupRepository) => opened.put('a/b.json', Buffer.from('{}'));
    expect(await slowParts(slowly, RateMeters.of([]), put)).toEqual(['targetNs']);
  });

  it('tells what a rate limit holds back as that, and not as time of the storage', async () => {
    const quick = {
      ...slow,
      openRead: () => Promise.resolve({ ...file, read: () => Promise.resolve(1_024) }),
    } as unknown as BackupRepository;
    const meters = RateMeters.of(['primary']);
    meters.set('primary', { readBytesPerSecond: 51_200, writeBytesPerSecond: null });
    const twice = async (repository: BackupRepository) => {
      await read(repository);
      await read(repository);
    };
    // 1 KiB at 50 KiB a second takes 20 ms, for which the second read waits.
    expect(await slowParts(quick, meters, twice)).toEqual(['limitNs']);
  });
});
