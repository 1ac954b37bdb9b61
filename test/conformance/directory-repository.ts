import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FolderRepository } from '../../src/repository/backup-repository.js';
import { expectCode, get, put } from './backup-repository.js';

export type OpenDirectory = (options: {
  readonly id: string;
  readonly rootPath: string;
  readonly readOnly: boolean;
}) => Promise<FolderRepository>;

/** What a repository in a folder of this machine must do beyond the contract of every repository. */
export function describeDirectoryRepository(name: string, open: OpenDirectory): void {
  describe(`directory repository: ${name}`, () => {
    let base: string;
    let rootPath: string;
    let outside: string;
    let repository: FolderRepository;

    const openRoot = (readOnly: boolean) => open({ id: 'tested', rootPath, readOnly });

    beforeEach(async () => {
      base = await mkdtemp(join(tmpdir(), 'longhaul-directory-'));
      rootPath = join(base, 'root');
      outside = join(base, 'outside');
      await mkdir(join(rootPath, 'real'), { recursive: true });
      await mkdir(outside);
      await writeFile(join(outside, 'secret'), 'secret');
      repository = await openRoot(false);
    });
    afterEach(() => rm(base, { recursive: true }));

    describe('symbolic links', () => {
      it.each([
        ['to a folder outside', () => outside],
        ['to a folder inside', () => join(rootPath, 'real')],
        ['relative, to a folder inside', () => 'real'],
        ['to nothing', () => join(base, 'nothing')],
        ['to itself', () => 'link'],
      ])('refuses to pass through a link %s', async (_, target) => {
        await symlink(target(), join(rootPath, 'link'));
        await writeFile(join(rootPath, 'real', 'secret'), 'inside');
        await put(repository, 'mine', 'mine');
        const calls = [
          () => repository.list('link'),
          () => repository.stat('link/secret'),
          () => repository.openRead('link/secret'),
          () => repository.openWrite('link/secret', 'existing'),
          () => repository.openWrite('link/new', 'new'),
          () => repository.makeFolder('link'),
          () => repository.makeFolder('link/folder'),
          () => repository.rename('link/secret', 'stolen'),
          () => repository.rename('mine', 'link/mine'),
          () => repository.unlink('link/secret'),
          () => repository.removeFolder('link/secret'),
          () => repository.removeFolder('link'),
          () => repository.syncFolder('link'),
        ];
        for (const call of calls) await expectCode(call(), 'PATH_FORBIDDEN');
        expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret');
        expect(await readFile(join(rootPath, 'real', 'secret'), 'utf8')).toBe('inside');
        expect(existsSync(join(base, 'nothing'))).toBe(false);
      });

      it.each(['existing', 'open-or-new'] as const)(
        'refuses to open (%s) a link in place of a file',
        async (create) => {
          await symlink(join(outside, 'secret'), join(rootPath, 'link'));
          await symlink(join(outside, 'made'), join(rootPath, 'dangling'));
          await expectCode(repository.openRead('link'), 'PATH_FORBIDDEN');
          await expectCode(repository.openWrite('link', create), 'PATH_FORBIDDEN');
          await expectCode(repository.openWrite('dangling', create), 'PATH_FORBIDDEN');
          await expectCode(repository.rename('link', 'other'), 'PATH_FORBIDDEN');
          expect(existsSync(join(outside, 'made'))).toBe(false);
        },
      );

      it('shows a link as what it is, not as what it points to', async () => {
        await symlink(join(outside, 'secret'), join(rootPath, 'link'));
        expect(await repository.stat('link')).toMatchObject({ name: 'link', type: 'other' });
        const types = (await repository.list('')).map(({ name, type }) => `${name}: ${type}`);
        expect(types.sort()).toEqual(['link: other', 'real: folder']);
      });

      it('replaces a link by a rename and leaves its target alone', async () => {
        await symlink(join(outside, 'secret'), join(rootPath, 'link'));
        await put(repository, 'file', 'mine');
        await repository.rename('file', 'link');
        expect(await get(repository, 'link')).toBe('mine');
        expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret');
      });

      it('may itself be reached through a link', async () => {
        await symlink(rootPath, join(base, 'way'));
        const opened = await open({ id: 'x', rootPath: join(base, 'way'), readOnly: false });
        await put(opened, 'real/file', 'x');
        expect(await readFile(join(rootPath, 'real', 'file'), 'utf8')).toBe('x');
      });

      it('stays inside while a folder is exchanged for a link again and again', async () => {
        await mkdir(join(rootPath, 'spare'));
        await symlink(outside, join(rootPath, 'link'));
        let isRunning = true;
        const attacker = async () => {
          for (let round = 0; isRunning; round++) {
            await rename(join(rootPath, 'spare'), join(base, 'aside'));
            await rename(join(rootPath, 'link'), join(rootPath, 'spare'));
            await rename(join(rootPath, 'spare'), join(rootPath, 'link'));
            await rename(join(base, 'aside'), join(rootPath, 'spare'));
            // For longer and longer, and anew: in step with the victim it would always be met at the same place.
            for (let rest = 0; rest <= round % 9; rest++) await new Promise(setImmediate);
          }
        };
        const outcomes = new Map<string, number>();
        const victim = async () => {
          // Until the exchange was met often enough to say so; how soon that is depends on the machine.
          for (let turn = 0; turn < 300 || (!isMet() && turn < 20_000); turn += 1) {
            const outcome = await repository.openWrite('spare/secret', 'open-or-new').then(
              async (file) => {
                await file.write(Buffer.from('mine'), 0);
                await file.close();
                return 'written';
              },
              (error: { code?: string }) => String(error.code),
            );
            outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
            // Calls of a thread of its own never wait.
            await new Promise(setImmediate);
          }
          isRunning = false;
        };
        const countOf = (outcome: string) => outcomes.get(outcome) ?? 0;
        const isMet = () => countOf('PATH_FORBIDDEN') >= 20 && countOf('written') >= 20;
        await Promise.all([victim(), attacker()]);
        expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret');
        const expected = ['written', 'PATH_FORBIDDEN', 'FILE_MISSING'];
        expect([...outcomes.keys()].filter((outcome) => !expected.includes(outcome))).toEqual([]);
        expect([...outcomes], 'the exchange was met').toSatisfy(isMet);
      });
    });

    describe('other things than files and folders', () => {
      it('does not wait at a named pipe', async () => {
        execFileSync('mkfifo', [join(rootPath, 'pipe')]);
        expect(await repository.stat('pipe')).toMatchObject({ type: 'other' });
        await expectCode(repository.openRead('pipe'), 'PATH_FORBIDDEN');
        await expectCode(repository.openWrite('pipe', 'existing'), 'PATH_FORBIDDEN');
      });

      it('lists names that cannot be part of a path as other', async () => {
        await writeFile(join(rootPath, 'back\\slash'), 'x');
        await writeFile(
          Buffer.concat([Buffer.from(`${rootPath}/latin-`), Buffer.from([0xe9])]),
          'x',
        );
        const entries = await repository.list('');
        expect(
          entries
            .map(({ name, type, unaddressable = '' }) => `${name}: ${type} ${unaddressable}`)
            .sort(),
        ).toEqual(['back\\slash: other file', 'latin-\\xe9: other file', 'real: folder ']);
      });
    });

    describe('absent or not to be told', () => {
      const everyQuestion = (it: FolderRepository) => [
        () => it.stat('real/file'),
        () => it.list(''),
        () => it.list('absent'),
        () => it.openRead('real/file'),
        () => it.openWrite('real/file', 'open-or-new'),
        () => it.makeFolder('real/folder'),
        () => it.unlink('real/file'),
        () => it.syncFolder(''),
        () => it.capacity(),
      ];

      it('cannot be opened while its folder is missing or is a file', async () => {
        const opening = (path: string) => open({ id: 'x', rootPath: path, readOnly: true });
        await expectCode(opening(join(base, 'absent')), 'REPOSITORY_UNREACHABLE');
        // A file does not become a folder by waiting.
        await expectCode(opening(join(outside, 'secret')), 'PATH_FORBIDDEN');
      });

      it('is unreachable, never empty, while its folder is gone, and answers when it is back', async () => {
        await put(repository, 'real/file', 'x');
        await rename(rootPath, join(base, 'away'));
        for (const question of everyQuestion(repository))
          await expectCode(question(), 'REPOSITORY_UNREACHABLE');
        await rename(join(base, 'away'), rootPath);
        expect(await get(repository, 'real/file')).toBe('x');
      });

      it('is unreachable when another folder is in its place, as after an unmount', async () => {
        await put(repository, 'real/file', 'x');
        await rename(rootPath, join(base, 'away'));
        await mkdir(rootPath);
        for (const question of everyQuestion(repository))
          await expectCode(question(), 'REPOSITORY_UNREACHABLE');
        const opened = await openRoot(false);
        expect(await opened.list('')).toEqual([]);
      });
    });

    describe('read-only', () => {
      it('refuses every write and changes nothing', async () => {
        await put(repository, 'real/file', 'x');
        const reader = await openRoot(true);
        const calls = [
          () => reader.openWrite('real/file', 'existing'),
          () => reader.openWrite('real/new', 'new'),
          () => reader.openWrite('real/new', 'open-or-new'),
          () => reader.makeFolder('folder'),
          () => reader.rename('real/file', 'real/other'),
          () => reader.unlink('real/file'),
          () => reader.removeFolder('real'),
          () => reader.syncFolder('real'),
        ];
        for (const call of calls) await expectCode(call(), 'REPOSITORY_READ_ONLY');
        expect((await reader.list('real')).map(({ name }) => name)).toEqual(['file']);
        expect(await get(reader, 'real/file')).toBe('x');
      });
    });

    it('leaves holes where nothing was written', async () => {
      const file = await repository.openWrite('sparse', 'new');
      await file.write(Buffer.alloc(4096, 1), 1024 ** 3);
      await file.sync();
      await file.close();
      const { size, blocks } = await stat(join(rootPath, 'sparse'));
      expect(size).toBe(1024 ** 3 + 4096);
      expect(blocks * 512).toBeLessThan(1024 ** 2);
    });

    it('keeps files and folders from other users', async () => {
      await repository.makeFolder('private');
      await put(repository, 'private/file', 'x');
      expect((await stat(join(rootPath, 'private'))).mode & 0o027).toBe(0);
      expect((await stat(join(rootPath, 'private/file'))).mode & 0o137).toBe(0);
    });

    it('does not change the mode or the other name of a file that it overwrites', async () => {
      await writeFile(join(rootPath, 'file'), 'old');
      await chmod(join(rootPath, 'file'), 0o600);
      await link(join(rootPath, 'file'), join(base, 'second-name'));
      const file = await repository.openWrite('file', 'open-or-new');
      await file.write(Buffer.from('new'), 0);
      await file.close();
      expect((await stat(join(rootPath, 'file'))).mode & 0o777).toBe(0o600);
      expect(await readFile(join(base, 'second-name'), 'utf8')).toBe('new');
    });

    it('tells the permissions of a file, and sets them and its time, but never the rights of its owner', async () => {
      await put(repository, 'file', 'x');
      await repository.setFileTraits!('file', { modifiedAtNs: '981173106123456789', mode: 0o4641 });
      const { mtimeNs, mode } = await stat(join(rootPath, 'file'), { bigint: true });
      expect(mode & 0o7777n).toBe(0o641n);
      const [second, fraction] = [mtimeNs / 1_000_000_000n, Number(mtimeNs % 1_000_000_000n)];
      expect(second).toBe(981_173_106n);
      expect(Math.abs(fraction - 123_456_789)).toBeLessThan(1_000);
      expect((await repository.stat('file'))?.mode).toBe(0o641);
      const listed = (await repository.list('')).find(({ name }) => name === 'file');
      expect(listed?.mode).toBe(0o641);
      await symlink(join(rootPath, 'file'), join(rootPath, 'linked'));
      await expect(repository.setFileTraits!('linked', { mode: 0o600 })).rejects.toMatchObject({
        code: 'PATH_FORBIDDEN',
      });
    });

    it('measures the file system that holds it', async () => {
      const line = execFileSync('df', ['--output=size', '-B1', rootPath], { encoding: 'utf8' });
      const { totalBytes } = await repository.capacity();
      expect(totalBytes).toBe(Number(line.split('\n')[1]));
    });
  });
}
