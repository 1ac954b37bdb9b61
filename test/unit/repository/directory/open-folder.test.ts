import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { constants } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileCallsOfThisThread } from '../../../../src/repository/calls-of-thread.js';
import { RepositoryRoot } from '../../../../src/repository/directory/open-folder.js';

const calls = fileCallsOfThisThread('test', '/');

describe('RepositoryRoot where the open files of the process are not shown', () => {
  let base: string;
  let root: RepositoryRoot;

  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'longhaul-open-folder-'));
    await mkdir(join(base, 'root', 'folder'), { recursive: true });
    await writeFile(join(base, 'root', 'folder', 'file'), 'inside');
    await mkdir(join(base, 'outside'));
    await writeFile(join(base, 'outside', 'file'), 'outside');
    root = await RepositoryRoot.open(calls, 'nas', join(base, 'root'), join(base, 'absent'));
  });
  afterEach(() => rm(base, { recursive: true }));

  const openFile = () =>
    root.within(['folder'], async (folder) => {
      const handle = await calls.open(folder.at('file'), constants.O_RDONLY);
      const stats = await handle.stat({ bigint: true });
      await handle.close();
      return stats;
    });

  it('reaches names by path', async () => {
    const path = await root.within(['folder'], async (folder) => folder.at('file'));
    expect(path).toBe(join(base, 'root', 'folder', 'file'));
    await expect(root.confirm(['folder', 'file'], await openFile())).resolves.toBeUndefined();
  });

  it('refuses a folder that is a link', async () => {
    await symlink('folder', join(base, 'root', 'link'));
    await expect(root.within(['link'], async () => 'reached')).rejects.toMatchObject({
      code: 'PATH_FORBIDDEN',
    });
  });

  it('refuses a file that was opened through a folder exchanged for a link', async () => {
    const opened = await root.within(['folder'], async (folder) => {
      await rename(join(base, 'root', 'folder'), join(base, 'root', 'aside'));
      await symlink(join(base, 'outside'), join(base, 'root', 'folder'));
      const handle = await calls.open(folder.at('file'), constants.O_RDONLY);
      const stats = await handle.stat({ bigint: true });
      await handle.close();
      return stats;
    });
    await expect(root.confirm(['folder', 'file'], opened)).rejects.toMatchObject({
      code: 'PATH_FORBIDDEN',
    });
    await rm(join(base, 'root', 'folder'));
    await rename(join(base, 'root', 'aside'), join(base, 'root', 'folder'));
    await expect(root.confirm(['folder', 'file'], opened)).rejects.toMatchObject({
      code: 'PATH_FORBIDDEN',
    });
  });
});

describe('RepositoryRoot on Linux', () => {
  it('stays in the folder that it opened when its path comes to name another one', async () => {
    const base = await mkdtemp(join(tmpdir(), 'longhaul-open-folder-'));
    await mkdir(join(base, 'root', 'folder'), { recursive: true });
    await mkdir(join(base, 'outside'));
    const root = await RepositoryRoot.open(calls, 'nas', join(base, 'root'));
    await root.within(['folder'], async (folder) => {
      await rename(join(base, 'root', 'folder'), join(base, 'root', 'aside'));
      await symlink(join(base, 'outside'), join(base, 'root', 'folder'));
      await calls.makeFolder(folder.at('made'), 0o700);
    });
    expect(await calls.listNames(join(base, 'outside'))).toEqual([]);
    expect(await calls.listNames(join(base, 'root', 'aside'))).toEqual(['made']);
    await rm(base, { recursive: true });
  });
});
