import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { BackupError } from '../../../../src/domain/errors.js';
import type { FolderRepository } from '../../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../../src/repository/directory/directory-repository.js';
import { probeStorage } from '../../../../src/repository/directory/probe-directory.js';

const NOW_MS = Date.UTC(2026, 10, 26);

async function folderRepository(): Promise<{ rootPath: string; repository: FolderRepository }> {
  const rootPath = mkdtempSync(join(tmpdir(), 'longhaul-probe-'));
  onTestFinished(() => rmSync(rootPath, { recursive: true }));
  const repository = await openDirectoryRepository({ id: 'offsite', rootPath, readOnly: false });
  return { rootPath, repository };
}

function probe(repository: FolderRepository, rootPath: string) {
  return probeStorage(repository, { rootPath, folderSync: 'required', now: () => NOW_MS });
}

it('finds on a local file system all that is needed, and leaves nothing behind', async () => {
  const { rootPath, repository } = await folderRepository();
  expect(await probe(repository, rootPath)).toEqual({
    probedAt: '2026-11-26T00:00:00.000Z',
    abilities: {
      readAfterWrite: true,
      renameOver: true,
      fileSync: true,
      folderSync: true,
      sparseFiles: true,
      caseSensitive: true,
      accentSensitive: true,
      modifiedTimeStepNs: expect.any(Number),
      longestNameBytes: 255,
    },
    faults: [],
    warnings: [],
  });
  expect(readdirSync(join(rootPath, '.longhaul'))).toEqual([]);
});

it.each<[string, Partial<FolderRepository>, string]>([
  ['rename over', { rename: refuse }, 'renameOver'],
  ['folder syncs', { syncFolder: refuse }, 'folderSync'],
])('says that there is no %s', async (_name, missing, ability) => {
  const { rootPath, repository } = await folderRepository();
  const { abilities, faults } = await probe(withCalls(repository, missing), rootPath);
  expect(abilities).toMatchObject({ [ability]: false, readAfterWrite: true });
  expect(faults).toHaveLength(1);
});

it.each<[string, (name: string) => string, object]>([
  ['case', (name) => name.toLowerCase(), { caseSensitive: false, accentSensitive: true }],
  ['accents', (name) => name.normalize('NFD'), { caseSensitive: true, accentSensitive: false }],
])('says of storage that folds %s that it does', async (_name, fold, expected) => {
  const { rootPath, repository } = await folderRepository();
  const folding = withCalls(repository, {
    stat: async (path) => {
      const entries = await repository.list(path.slice(0, path.lastIndexOf('/')));
      return entries.find((entry) => fold(entry.path) === fold(path)) ?? null;
    },
  });
  const { abilities, faults, warnings } = await probe(folding, rootPath);
  expect(abilities).toMatchObject(expected);
  expect(faults).toEqual([]);
  expect(warnings).toHaveLength(1);
});

it.each(['PATH_FORBIDDEN', 'REPOSITORY_UNSUITED'] as const)(
  'says of storage that refuses one encoding of an accent (%s) that it does not fold it',
  async (code) => {
    const { rootPath, repository } = await folderRepository();
    const refusing = withCalls(repository, {
      putNew: (path, bytes) =>
        path === path.normalize('NFC')
          ? repository.putNew(path, bytes)
          : Promise.reject(new BackupError(code, 'refused', { details: { errno: 'EINVAL' } })),
    });
    const { abilities } = await probe(refusing, rootPath);
    expect(abilities).toMatchObject({ caseSensitive: true, accentSensitive: true });
  },
);

it('passes on that the storage is away', async () => {
  const { rootPath, repository } = await folderRepository();
  const syncFolder = () => Promise.reject(new BackupError('REPOSITORY_UNREACHABLE', 'gone'));
  await expect(probe(withCalls(repository, { syncFolder }), rootPath)).rejects.toMatchObject({
    code: 'REPOSITORY_UNREACHABLE',
  });
});

function refuse(): Promise<never> {
  return Promise.reject(new BackupError('REPOSITORY_UNSUITED', 'not supported (EINVAL)'));
}

function withCalls(repository: FolderRepository, calls: Partial<FolderRepository>) {
  return new Proxy(repository, {
    get: (target, name) => {
      const value: unknown = Reflect.get(calls, name) ?? Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
