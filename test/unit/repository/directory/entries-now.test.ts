import { mkdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RepositoryEntry } from '../../../../src/repository/backup-repository.js';
import { entriesNow } from '../../../../src/repository/directory/entries-now.js';
import { listedName } from '../../../../src/repository/directory/listed-entry.js';
import { RepositoryRoot } from '../../../../src/repository/directory/open-folder.js';
import { synchronousCalls } from '../../../../src/repository/file-calls.js';

const NAMES = Array.from({ length: 20 }, (_, n) => `file-${n}`);

describe('looks at many names of a folder that is held open', () => {
  let base: string;
  let looked: string[];
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'longhaul-entries-'));
    looked = [];
    mkdirSync(join(base, 'root', 'folder'), { recursive: true });
    mkdirSync(join(base, 'outside'));
    for (const name of NAMES) {
      writeFileSync(join(base, 'root', 'folder', name), 'inside');
      writeFileSync(join(base, 'outside', name), 'outside');
    }
  });
  afterEach(() => rm(base, { recursive: true }));

  /** @param before done before the look of this number, which counts from 0 */
  async function look(
    names: readonly string[],
    before: (number: number) => void = () => undefined,
  ): Promise<(RepositoryEntry | null)[]> {
    const root = await RepositoryRoot.open(synchronousCalls, 'nas', join(base, 'root'));
    const lstatNow = (path: string | Buffer) => {
      before(looked.length);
      looked.push(String(path));
      return synchronousCalls.lstatNow!(path);
    };
    return root.within(['folder'], (open) =>
      entriesNow(
        lstatNow,
        open,
        'folder',
        names.map((name) => listedName(name)),
      ),
    );
  }

  const inodesIn = (...folder: string[]) =>
    NAMES.map((name) => String(statSync(join(base, ...folder, name), { bigint: true }).ino));
  const seen = (entries: readonly (RepositoryEntry | null)[]) =>
    entries.map((entry) => entry?.stamp.inode);

  it('go by its path, once each, and ask before and after whether that leads to it', async () => {
    expect(seen(await look(NAMES))).toEqual(inodesIn('root', 'folder'));
    const folder = join(base, 'root', 'folder');
    expect(looked).toEqual([
      `${folder}/.`,
      ...NAMES.map((name) => join(folder, name)),
      `${folder}/.`,
    ]);
  });

  it.each([0, 1, 7, 20, 21])(
    'see the files of the folder that is held, when its name becomes a link before look %i',
    async (at) => {
      const inside = inodesIn('root', 'folder');
      const entries = await look(NAMES, (number) => {
        if (number !== at) return;
        renameSync(join(base, 'root', 'folder'), join(base, 'root', 'aside'));
        symlinkSync(join(base, 'outside'), join(base, 'root', 'folder'));
      });
      expect(seen(entries)).toEqual(inside);
      expect(entries.map((entry) => entry?.stamp.sizeBytes)).toEqual(NAMES.map(() => 6));
    },
  );

  it('see the files of the folder that is held, when one above it is moved away', async () => {
    const inside = inodesIn('root', 'folder');
    const entries = await look(NAMES, (number) => {
      if (number === 7) renameSync(join(base, 'root'), join(base, 'moved'));
    });
    expect(seen(entries)).toEqual(inside);
  });

  it('find every name that the path leads to no more, when it leads there again at the end', async () => {
    const inside = inodesIn('root', 'folder');
    const entries = await look(NAMES, (number) => {
      if (number === 7) renameSync(join(base, 'root'), join(base, 'moved'));
      // The path fails for that one alone, and it is looked at through the open folder.
      if (number === 9) renameSync(join(base, 'moved'), join(base, 'root'));
    });
    expect(seen(entries)).toEqual(inside);
  });

  it('leave out what went away since it was listed', async () => {
    rmSync(join(base, 'root', 'folder', 'file-3'));
    const entries = await look(NAMES);
    expect(NAMES.filter((_, n) => entries[n] === null)).toEqual(['file-3']);
  });
});
