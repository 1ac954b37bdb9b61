import { describe, expect, it } from 'vitest';
import { BackupError } from '../../../src/domain/errors.js';
import type { FolderRepository } from '../../../src/repository/backup-repository.js';
import { keepReserve, withReserve, withWholeReserve } from '../../../src/repository/reserve.js';

const KIB = 1024;

/** Storage of a fixed size, of which only sizes are kept. */
class SmallStorage {
  readonly files = new Map<string, number>();
  constructor(readonly sizeBytes: number) {}

  get freeBytes(): number {
    return this.sizeBytes - [...this.files.values()].reduce((sum, size) => sum + size, 0);
  }

  /** @throws REPOSITORY_FULL */
  grow(path: string, bytes: number): void {
    if (bytes > this.freeBytes) throw new BackupError('REPOSITORY_FULL', 'no space is left');
    this.files.set(path, (this.files.get(path) ?? 0) + bytes);
  }

  get calls() {
    return {
      stat: (path: string) =>
        Promise.resolve(
          this.files.has(path) ? { stamp: { sizeBytes: this.files.get(path) } } : null,
        ),
      makeFolder: () => Promise.resolve(),
      unlink: async (path: string) => {
        await Promise.resolve();
        if (!this.files.delete(path)) throw new BackupError('FILE_MISSING', path);
      },
      openWrite: (path: string) =>
        Promise.resolve({
          stamp: () => Promise.resolve({ sizeBytes: this.files.get(path) ?? 0 }),
          write: async (bytes: Uint8Array) => {
            await Promise.resolve();
            this.grow(path, bytes.length);
          },
          sync: () => Promise.resolve(),
          close: () => Promise.resolve(),
        }),
    } as unknown as FolderRepository;
  }
}

async function fullStorage(): Promise<SmallStorage> {
  const storage = new SmallStorage(8192 * KIB);
  await keepReserve(storage.calls);
  storage.grow('copies', storage.freeBytes);
  return storage;
}

describe('the reserve of a target', () => {
  it('has 4 MiB, and what there is room for when there is less', async () => {
    const [large, small] = [new SmallStorage(8192 * KIB), new SmallStorage(100 * KIB)];
    for (const { calls } of [large, small]) await keepReserve(calls);
    expect([large.freeBytes, small.freeBytes]).toEqual([4096 * KIB, 4 * KIB]);
  });

  it('is given up at once for work of many steps, which is done twice at most', async () => {
    const storage = await fullStorage();
    const before = new Map(storage.files);
    const room: number[] = [];
    const work = async () => {
      room.push(storage.freeBytes);
      await withReserve(storage.calls, async () => {
        await Promise.resolve();
        storage.grow('record.partial', 5000 * KIB);
      });
    };
    await expect(withWholeReserve(storage.calls, work)).rejects.toMatchObject({
      code: 'REPOSITORY_FULL',
    });
    expect(room).toEqual([0, 4096 * KIB]);
    expect(storage.files).toEqual(before);
  });

  it('lets a record of 1 MiB be written where nothing is free, and is whole again when that has replaced another', async () => {
    const storage = await fullStorage();
    const write = async () => {
      await Promise.resolve();
      storage.grow('record.partial', 1000 * KIB);
      storage.files.delete('record.partial');
      return 'written';
    };
    expect(await withReserve(storage.calls, write)).toBe('written');
    expect([...storage.files.values()].reduce((sum, size) => sum + size, 0)).toBe(8192 * KIB);
  });

  it('is not touched by what fails for another reason, and gives all it has before it says that there is no room', async () => {
    const storage = await fullStorage();
    const before = new Map(storage.files);
    const readOnly = () => Promise.reject(new BackupError('REPOSITORY_READ_ONLY', 'read-only'));
    await expect(withReserve(storage.calls, readOnly)).rejects.toMatchObject({
      code: 'REPOSITORY_READ_ONLY',
    });
    expect(storage.files).toEqual(before);
    const room: number[] = [];
    const never = async () => {
      await Promise.resolve();
      room.push(storage.freeBytes);
      storage.grow('record.partial', 5000 * KIB);
    };
    await expect(withReserve(storage.calls, never)).rejects.toMatchObject({
      code: 'REPOSITORY_FULL',
    });
    expect(Math.max(...room)).toBe(4096 * KIB);
    expect(storage.files).toEqual(before);
  });
});
