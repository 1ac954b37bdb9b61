import { describe, expect, it } from 'vitest';
import { folderChanges } from '../../../src/layout/dated-tree/folder-changes.js';
import type { TreeReader } from '../../../src/layout/tree-layout.js';
import type { RepositoryEntry } from '../../../src/repository/backup-repository.js';

const ns = (ms: number): string => `${String(ms)}000000`;

function entry(path: string, type: 'file' | 'folder', changedMs: number, modifiedMs = 5) {
  const stamp = { sizeBytes: 1, modifiedAtNs: ns(modifiedMs), changedAtNs: ns(changedMs) };
  const name = path.slice(path.lastIndexOf('/') + 1);
  return { name, path, type, stamp: { ...stamp, inode: path } } satisfies RepositoryEntry;
}

/** When `day`, which changed at 100, was written to last, and which folders were looked into. */
async function changesOf(entries: readonly RepositoryEntry[]) {
  const looks: string[] = [];
  const list = (folder: string): Promise<RepositoryEntry[]> => {
    looks.push(folder);
    return Promise.resolve(
      entries.filter(({ path, name }) => path.slice(0, -name.length - 1) === folder),
    );
  };
  const reader = { repositoryId: 'r', list } as unknown as TreeReader;
  const { closing, changedAtMs } = await folderChanges(reader, entry('day', 'folder', 100));
  return { closing, changedAtMs, looks };
}

describe('folderChanges', () => {
  it('tells by folders and by files that are being written, not by links that come and go', async () => {
    const nested = [entry('day/a', 'folder', 110), entry('day/a/b', 'folder', 300)];
    expect((await changesOf(nested)).changedAtMs).toBe(300);
    // Another link to it was made or removed, or its time was put back when it was whole.
    expect((await changesOf([...nested, entry('day/a/f', 'file', 400)])).changedAtMs).toBe(300);
    const written = entry('day/a/.f.Xy12Ab', 'file', 400, 400);
    expect(await changesOf([...nested, written])).toMatchObject({
      ...{ closing: 'silent', changedAtMs: 400 },
    });
  });

  it('looks into the folders of a large tree that changed last', async () => {
    const old = Array.from({ length: 1_000 }, (_, at) => entry(`day/${String(at)}`, 'folder', 10));
    const active = [entry('day/x', 'folder', 200), entry('day/x/y', 'folder', 700)];
    const found = await changesOf([...old, ...active]);
    expect(found.changedAtMs).toBe(700);
    expect(found.looks.slice(0, 3)).toEqual(['day', 'day/x', 'day/x/y']);
    expect(found.looks).toHaveLength(200);
  });
});
