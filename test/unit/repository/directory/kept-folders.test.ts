import { promises } from 'node:fs';
import {
  mkdir,
  mkdtemp,
  readdir,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  openDirectoryRepository,
  type OpenedFolder,
  type KeepingFolder,
} from '../../../../src/repository/directory/directory-repository.js';
import { RepositoryOpener } from '../../../../src/repository/open-repository.js';
import { RepositoryVisit } from '../../../../src/repository/repository-visit.js';
import { directory } from '../../../support/repository/directory-storage.js';

const accessTo = (target: KeepingFolder) => ({
  ...{ source: target, target },
  close: () => target.close(),
});

describe('a repository that keeps its folders open', () => {
  let base: string;
  let opened: OpenedFolder;
  let repository: KeepingFolder;
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'longhaul-kept-'));
    await mkdir(join(base, 'root', 'chain', 'point'), { recursive: true });
    await mkdir(join(base, 'outside'));
    await writeFile(join(base, 'root', 'chain', 'point', 'disk'), 'inside');
    await writeFile(join(base, 'outside', 'disk'), 'outside');
    opened = await openDirectoryRepository({
      ...{ id: 'nas', rootPath: join(base, 'root') },
      readOnly: false,
    });
    repository = opened.keepingFolders();
  });
  afterEach(async () => {
    await repository.close();
    await rm(base, { recursive: true });
  });

  /** Descriptors of this process that lead to a folder below `base`. */
  async function openFolders(): Promise<number> {
    const numbers = await readdir('/proc/self/fd');
    const paths = await Promise.all(
      numbers.map((number) => readlink(`/proc/self/fd/${number}`).catch(() => '')),
    );
    return paths.filter((path) => path.startsWith(base)).length;
  }

  it('opens each folder once, and closes all at the end', async () => {
    for (let n = 0; n < 3; n++) expect(await repository.stat('chain/point/disk')).not.toBeNull();
    expect(await openFolders()).toBe(3);
    await repository.close();
    expect(await openFolders()).toBe(0);
  });

  it('keeps no more than 32 folders open, also where each is in another', async () => {
    const deep = Array.from({ length: 50 }, (_, n) => `d${n}`).join('/');
    await repository.makeFolder(deep);
    expect(await repository.list(deep)).toEqual([]);
    for (let n = 0; n < 50; n++) await repository.makeFolder(`wide/w${n}`);
    for (let n = 0; n < 50; n++) expect(await repository.list(`wide/w${n}`)).toEqual([]);
    expect(await openFolders()).toBeLessThanOrEqual(32);
  });

  it('finds what it moved, and what it made anew where it moved or removed something', async () => {
    expect(await repository.list('chain/point')).toHaveLength(1);
    await repository.rename('chain', 'moved');
    expect(await repository.stat('chain/point/disk')).toBeNull();
    expect(await repository.stat('moved/point/disk')).not.toBeNull();
    await repository.makeFolder('chain/point');
    expect(await repository.list('chain/point')).toEqual([]);
    await repository.removeFolder('chain/point');
    await repository.makeFolder('chain/point');
    await (await repository.openWrite('chain/point/disk', 'new')).close();
    expect(await readdir(join(base, 'root', 'chain', 'point'))).toEqual(['disk']);
  });

  it('passes through no link that takes the place of a folder that it holds', async () => {
    expect(await repository.stat('chain/point/disk')).not.toBeNull();
    await rename(join(base, 'root', 'chain', 'point'), join(base, 'aside'));
    await symlink(join(base, 'outside'), join(base, 'root', 'chain', 'point'));
    const file = await repository.openRead('chain/point/disk');
    const bytes = Buffer.alloc(6);
    await file.read(bytes, 0);
    await file.close();
    expect(bytes.toString()).toBe('inside');
  });

  it('is looked for once for each piece of work, and found anew by the next', async () => {
    let times = 0;
    const visit = new RepositoryVisit(() => {
      times++;
      return Promise.resolve(accessTo(opened.keepingFolders()));
    });
    const first = await visit.repository('nas');
    expect(await visit.repository('nas')).toBe(first);
    expect(times).toBe(1);
    await first.source.stat('chain/point/disk');
    expect(await openFolders()).toBe(3);
    await visit.close();
    expect(await openFolders()).toBe(0);
  });

  it('is looked for again when it was not there', async () => {
    let times = 0;
    const visit = new RepositoryVisit(() =>
      times++ === 0
        ? Promise.reject(new Error('not there yet'))
        : Promise.resolve(accessTo(opened.keepingFolders())),
    );
    await expect(visit.repository('nas')).rejects.toThrow('not there yet');
    expect(await (await visit.repository('nas')).source.stat('chain')).not.toBeNull();
    await visit.close();
  });

  it.each(['ESTALE', 'EIO', 'EACCES'])(
    'leaves nothing open where the share is away and says %s',
    async (code) => {
      const location = { id: 'nas', storage: directory(join(base, 'root')) };
      const opener = new RepositoryOpener([{ ...location, isReadOnly: false }]);
      await (await opener.visit('nas')).close();
      const answer = Object.assign(new Error(code), { code, errno: -1 });
      const lstat = vi.spyOn(promises, 'lstat').mockRejectedValueOnce(answer);
      try {
        // Reached again, or not: what was opened for the look that failed is closed.
        const again = await opener.visit('nas').catch(() => null);
        await again?.close();
      } finally {
        lstat.mockRestore();
      }
      expect(await openFolders()).toBe(0);
    },
  );
});
