import { execFileSync } from 'node:child_process';
import { link, mkdir, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { newMachine, type GrowingSource } from '../../support/living/growing-source.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const DAY_MS = 86_400_000;
const FIRST_MS = Date.parse('2026-11-02T22:00:00Z');

/** In folders of this machine. */
describe('a session that finds no file where the disk of the newest copy is to be', () => {
  let folder: string;
  let machine: GrowingSource;
  let day: number;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longhaul-odd-'));
    for (const id of ['primary', 'offsite']) await mkdir(join(folder, id));
    machine = await newMachine(join(folder, 'primary'), 'mail01', FIRST_MS);
    day = 0;
    await session();
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function session() {
    const open = (id: string) =>
      openDirectoryRepository({ id, rootPath: join(folder, id), readOnly: id === 'primary' });
    const sessions = new LocalSessions([await open('primary'), await open('offsite')]);
    const nowMs = FIRST_MS + ++day * DAY_MS + 3_600_000;
    return (await sessions.tryToCopy(testJob(), nowMs)).tasks[0]!;
  }

  const chain = () => join(folder, 'offsite', 'nightly', 'ovirt-mail01');

  /** Oldest first. */
  async function points() {
    const { record } = JSON.parse(await readFile(join(chain(), 'chain.json'), 'utf8')) as {
      record: { points: { id: string; health: string; disks: { path: string }[] }[] };
    };
    return record.points;
  }

  it.each<[string, (path: string, aside: string) => Promise<void>]>([
    ['a pipe', (path) => Promise.resolve(void execFileSync('mkfifo', [path]))],
    ['a link to it elsewhere', (path, aside) => symlink(aside, path)],
    ['a link to itself', (path) => symlink(path, path)],
    ['a folder', (path) => mkdir(path).then(() => undefined)],
  ])('builds nothing on %s, says so, and copies on when the file is back', async (_, put) => {
    const [first] = await points();
    const path = join(chain(), first!.disks[0]!.path);
    const aside = join(folder, 'aside');
    await rename(path, aside);
    await put(path, aside);
    machine.work(1);
    await machine.backUp(FIRST_MS + DAY_MS, 'incremental');

    const task = await session();
    expect(task).toMatchObject({ result: 'failed', committed: [] });
    expect(task.reason).toContain(first!.disks[0]!.path);
    expect(await points()).toHaveLength(1);

    await rm(path, { recursive: true });
    await link(aside, path);
    expect(await session()).toMatchObject({ result: 'success' });
    expect(await points()).toMatchObject([{ health: 'good' }, { health: 'good' }]);
  });
});
