import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { chainFolder } from '../../../../src/chain/chain-paths.js';
import { openDirectoryRepository } from '../../../../src/repository/directory/directory-repository.js';
import { shareJob } from '../../../support/tree/live-stores.js';
import { TreeWorld } from '../../../support/tree/tree-world.js';
import { LocalSessions } from '../../../support/workflows/local-sessions.js';

const NOT_KEPT =
  'of the files bytes, permissions and times of modification, and hard links, where the target has such, are kept; not kept are owners, access lists, extended attributes, special bits (setuid) and times before 1970, and of folders permissions and times, too';
const DAY = '2026-11-20';
const MIB = 1024 * 1024;

async function site(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-odd-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const name of [`primary/share/${DAY}/docs`, 'offsite'])
    await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, 'primary/share/backup.marker'), '');
  return folder;
}

/** All notes of the one task, as the record of the last session keeps them. */
async function taskNotes(sessions: string): Promise<string[]> {
  const paths = await readdir(sessions, { recursive: true });
  const records = paths.filter((name) => name.split('/').length === 3).sort();
  const path = records.at(-1) ?? '';
  const { task } = JSON.parse(await readFile(join(sessions, path), 'utf8')) as {
    task: { notes: string[] };
  };
  return task.notes;
}

it('a tree with files that are none is copied but for those, and each of them is named', async () => {
  const folder = await site();
  const at = (name: string) => join(folder, 'primary/share', DAY, name);
  await writeFile(at('docs/plain'), 'plain');
  await chmod(at('docs/plain'), 0o640);
  await utimes(at('docs/plain'), 1_600_000_000, 1_600_000_000);
  await link(at('docs/plain'), at('docs/hard'));
  const sparse = await open(at('sparse'), 'w');
  await sparse.write(Buffer.from('in the middle'), 0, 13, 12 * MIB);
  await sparse.truncate(40 * MIB);
  await sparse.close();
  await symlink('..', at('docs/loop'));
  await symlink('/etc/passwd', at('outside'));
  execFileSync('mkfifo', [at('pipe')]);
  await writeFile(Buffer.concat([Buffer.from(at('latin-')), Buffer.from([0xe9])]), 'name');
  await writeFile(at('back\\slash'), 'name');
  await writeFile(at('new\nline'), 'name');
  for (const name of ['docs/none', 'docs/none-either', 'docs/folders/alone'])
    await mkdir(at(name), { recursive: true });
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(at('socket'), resolve));
  onTestFinished(() => void server.close());

  const opened = (id: string, readOnly: boolean) =>
    openDirectoryRepository({ id, rootPath: join(folder, id), readOnly });
  const sessions = new LocalSessions([
    await opened('primary', true),
    await opened('offsite', false),
  ]);
  const job = shareJob('dated-tree-share');
  const { result, tasks } = await sessions.tryToCopy(job, Date.UTC(2026, 10, 25));

  expect({ result, reason: tasks[0]?.reason }).toMatchObject({ result: 'warning' });
  const told = await taskNotes(join(folder, 'offsite', job.id, 'sessions'));
  for (const name of ['docs/loop', 'outside', 'pipe', 'socket'])
    expect(told).toContain(
      `"${DAY}/${name}" was not copied: it is a link, a device, a pipe or a socket`,
    );
  for (const name of ['latin-\\\\xe9', 'back\\\\slash'])
    expect(told).toContain(
      `"${DAY}/${name}" was not copied: its name is not UTF-8, or has a character that cannot be part of a path`,
    );
  expect(told).toContain(
    `3 empty folders are not copied ("${DAY}/docs/folders/alone" first): a copy has folders for files alone`,
  );
  expect(told).toContain(NOT_KEPT);
  expect(told).toHaveLength(8);
  const copy = (name: string) =>
    join(folder, 'offsite', chainFolder(job.id, 'dated-tree-share'), 'files', DAY, name);
  for (const name of ['docs/plain', 'docs/hard']) {
    expect(await readFile(copy(name), 'utf8')).toBe('plain');
    const { mode, mtimeMs } = await stat(copy(name));
    expect([mode & 0o777, mtimeMs]).toEqual([0o640, 1_600_000_000_000]);
  }
  expect(await readFile(copy('new\nline'), 'utf8')).toBe('name');
  expect((await readFile(copy('sparse'))).equals(await readFile(at('sparse')))).toBe(true);
  expect((await stat(copy('sparse'))).blocks * 512).toBeLessThan(MIB);
  // What is so of all files the first session has said.
  await writeFile(at('docs/more'), 'more');
  await sessions.tryToCopy(job, Date.UTC(2026, 10, 26));
  const later = await taskNotes(join(folder, 'offsite', job.id, 'sessions'));
  const notes = later.filter((note) => !note.includes('was not copied'));
  expect(notes).toEqual([expect.stringMatching(/^3 empty folders are not copied/)]);
});

it('what is so of all files is said by the session after a first one that was stopped, too', async () => {
  const job = shareJob('dated-tree-share');
  const world = new TreeWorld('share', 'dated-tree', job, 'dated-tree-share');
  await world.write('backup.marker', '');
  await world.write(`${DAY}/one`, 'one');
  const { openRead } = world.source;
  world.source.openRead = (at) =>
    at.endsWith('/one') ? Promise.reject(new Error('stopped')) : openRead.call(world.source, at);
  expect((await world.copy()).result).toBe('failed');
  world.source.openRead = openRead;
  expect((await world.record()).points).toEqual([]);
  expect((await world.copy()).tasks[0]!.notes).toContain(NOT_KEPT);
  await world.write(`${DAY}/two`, 'two');
  expect((await world.copy()).tasks[0]!.notes).not.toContain(NOT_KEPT);
});
