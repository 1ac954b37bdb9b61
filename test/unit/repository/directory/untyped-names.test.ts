import fs from 'node:fs';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { openDirectoryRepository } from '../../../../src/repository/directory/directory-repository.js';

afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

/** A file system that tells no types with its names (DT_UNKNOWN, readdir(3)), as XFS without ftype and many shares: for a list with types Node
 *  looks at each name, and throws for the first that is gone. One goes right behind the list. */
function withoutTypes(gone: string): void {
  const { readdirSync, lstatSync } = fs;
  const list = (path: string, options: { withFileTypes?: boolean }) => {
    const names = readdirSync(path, { encoding: 'latin1' });
    rmSync(gone, { force: true });
    if (options.withFileTypes !== true) return names;
    return names.map((name) => {
      const stats = lstatSync(join(path, name));
      return Object.assign(stats, { name });
    });
  };
  vi.spyOn(fs, 'readdirSync').mockImplementation(list as never);
  vi.spyOn(fs.promises, 'readdir').mockImplementation(((path: string, options: object) =>
    Promise.resolve().then(() => list(path, options))) as never);
  syncBuiltinESMExports();
}

it('a folder of which a name goes away while it is listed has its other names all the same', async () => {
  const rootPath = mkdtempSync(join(tmpdir(), 'longhaul-untyped-'));
  onTestFinished(() => rmSync(rootPath, { recursive: true }));
  const repository = await openDirectoryRepository({ id: 'offsite', rootPath, readOnly: false });
  await repository.makeFolder('.leases');
  const add = () => {
    for (const name of ['a', 'b', 'c']) writeFileSync(join(rootPath, '.leases', name), '');
  };
  add();
  withoutTypes(join(rootPath, '.leases', 'b'));
  expect((await repository.list('.leases')).map(({ name }) => name)).toEqual(['a', 'c']);
  add();
  const names: string[] = [];
  for await (const { name } of repository.entries('.leases')) names.push(name);
  expect(names).toEqual(['a', 'c']);
});
