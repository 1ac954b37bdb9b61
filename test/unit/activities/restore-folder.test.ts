import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  assertHoldsNoRepository,
  intoFolder,
  makeRestoreFolder,
  parseMounts,
  placeIn,
} from '../../../activities/operations/restore-folder.js';
import { BackupError } from '../../../src/domain/errors.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';

let folder: string;
let root: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'longhaul-restore-'));
  root = join(folder, 'offsite');
  mkdirSync(join(root, 'nightly'), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

const invalid = (why: RegExp) => ({
  code: 'RESTORE_DESTINATION_INVALID',
  message: expect.stringMatching(why) as string,
});

describe('the folder of a restore', () => {
  it('is made where there is none, and taken where it is there', async () => {
    const path = join(folder, 'restored');
    await makeRestoreFolder(path, [root]);
    expect(existsSync(path)).toBe(true);
    await makeRestoreFolder(path, [root]);
    await makeRestoreFolder(join(folder, '..restored'), [folder + '/..rest']);
  });

  it.each<[string, () => string]>([
    ['a repository', () => root],
    ['a new folder of one', () => join(root, 'new')],
    [
      'a link into one',
      () => {
        symlinkSync(join(root, 'nightly'), join(folder, 'link'));
        return join(folder, 'link');
      },
    ],
    [
      'a new folder behind a link into one',
      () => {
        symlinkSync(root, join(folder, 'link'));
        return join(folder, 'link', 'new');
      },
    ],
  ])('is never %s', async (_what, make) => {
    const path = make();
    const wasThere = existsSync(path);
    await expect(makeRestoreFolder(path, [root])).rejects.toMatchObject(
      invalid(/lies in a backup repository/),
    );
    expect(existsSync(path)).toBe(wasThere);
  });

  it('is never one that the configuration calls by a link', async () => {
    symlinkSync(root, join(folder, 'configured'));
    await expect(
      makeRestoreFolder(join(root, 'nightly'), [join(folder, 'configured')]),
    ).rejects.toMatchObject(invalid(/lies in a backup repository/));
  });

  it('holds no repository where its files get folders of their own', async () => {
    await expect(assertHoldsNoRepository(folder, [root])).rejects.toMatchObject(
      invalid(/a backup repository lies in it/),
    );
    symlinkSync(folder, `${folder}-link`);
    try {
      await expect(assertHoldsNoRepository(`${folder}-link`, [root])).rejects.toMatchObject(
        invalid(/a backup repository lies in it/),
      );
    } finally {
      rmSync(`${folder}-link`);
    }
    await assertHoldsNoRepository(join(folder, 'restored'), [root]);
  });

  it.each([
    ['restored', /it is not an absolute path/],
    ['/nowhere/at/all', /does not exist on the worker’s machine/],
    [`/${'x'.repeat(300)}`, /runs as cannot make it: the name is too long .*\(ENAMETOOLONG\)/],
  ])('%.20s is refused with the reason', async (path, why) => {
    await expect(makeRestoreFolder(path, [])).rejects.toMatchObject(invalid(why));
  });
});

/** proc_pid_mountinfo(5); a share at two places, and a folder of it at a third. */
const MOUNTS = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:45 / /srv/offsite rw - nfs4 nas:/offsite rw
31 22 0:45 / /mnt/same rw - nfs4 nas:/offsite rw
32 22 0:45 /nightly/vm01 /mnt/one\\040machine rw - nfs4 nas:/offsite rw
33 22 8:1 /srv/primary /mnt/bound rw - ext4 /dev/sda1 rw
`;

describe('where a folder lies, whatever is mounted where', () => {
  it.each([
    ['/srv/primary/vm', '8:1', '/srv/primary/vm'],
    ['/mnt/bound/vm', '8:1', '/srv/primary/vm'],
    ['/srv/offsite', '0:45', '/'],
    ['/srv/offsite2', '8:1', '/srv/offsite2'],
    ['/mnt/same/nightly', '0:45', '/nightly'],
    ['/mnt/one machine/x', '0:45', '/nightly/vm01/x'],
  ])('of %s is device %s and %s', (path, device, within) => {
    expect(placeIn(parseMounts(MOUNTS), path)).toEqual({ device, path: within });
  });
});

describe('a fault of the folder of a restore', () => {
  const failing = (code: 'REPOSITORY_FULL' | 'REPOSITORY_READ_ONLY', repositoryId: string) =>
    intoFolder('/restored', () =>
      Promise.reject(new BackupError(code, 'no space is left', { details: { repositoryId } })),
    );

  it.each(['REPOSITORY_FULL', 'REPOSITORY_READ_ONLY'] as const)(
    'says what to do about the folder, and nothing of jobs that keep less (%s)',
    async (code) => {
      const details = { repositoryId: folderRepositoryId('/restored') };
      await expect(failing(code, details.repositoryId)).rejects.toMatchObject({
        ...{ code, message: 'no space is left', details },
        hint: expect.stringMatching(/\/restored .*same folder: it goes on/) as string,
      });
    },
  );

  it('is not taken for one of the target, which keeps its own', async () => {
    await expect(failing('REPOSITORY_FULL', 'offsite')).rejects.toMatchObject({
      hint: expect.stringContaining('let the job keep less') as string,
    });
  });
});
