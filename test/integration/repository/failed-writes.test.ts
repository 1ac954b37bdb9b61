import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { canHaveFailingDisk, FailingDisk } from '../../support/repository/failing-disk.js';

/** Linux, Documentation/filesystems/vfs.rst, "Handling errors during writeback": an error is told once for each opening of a file, and one that was told
 *  is not told to those who open afterwards. */
describe.skipIf(!canHaveFailingDisk())('small files on a disk that fails', () => {
  let disk: FailingDisk;
  beforeEach(() => {
    disk = new FailingDisk();
    onTestFinished(() => disk.remove());
  });

  const files = Array.from({ length: 9 }, (_, n) => ({
    path: `to/f${n}`,
    bytes: randomBytes(1_500_000),
  }));

  /** After the last of them was written somebody else is told that the disk failed. */
  const putWhileItFails = async (thenDo: () => void): Promise<void> => {
    const repository = await openDirectoryRepository({
      ...{ id: 'target', rootPath: disk.path, readOnly: false },
    });
    await repository.makePlace('desk', 'to');
    disk.fail();
    const openWrite = repository.openWrite.bind(repository);
    let opened = 0;
    Object.assign(repository, {
      openWrite: async (...parameters: Parameters<typeof openWrite>) => {
        const file = await openWrite(...parameters);
        opened += 1;
        if (opened !== files.length) return file;
        const close = file.close.bind(file);
        return Object.assign(file, {
          close: async () => {
            await close();
            expect(disk.isSyncedBySomebodyElse()).toBe(false);
            thenDo();
          },
        });
      },
    });
    await repository.putAll(files, 'desk', '');
    expect(opened).toBeGreaterThanOrEqual(files.length);
  };

  it('are no success when another one was told of it', async () => {
    await expect(putWhileItFails(() => undefined)).rejects.toThrow();
  });

  it('are no success with other bytes when the disk is well again', async () => {
    const put = await putWhileItFails(() => disk.mend()).then(
      () => true,
      () => false,
    );
    disk.forgetCache();
    if (put)
      for (const { path, bytes } of files)
        expect(readFileSync(join(disk.path, path)).equals(bytes), path).toBe(true);
  });
});
