import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CopySessionOutcome } from '../../../workflows/messages.js';
import { changeFiles, liveBorg, materialize, shareJob } from '../../support/tree/live-stores.js';
import { TreeWorld } from '../../support/tree/tree-world.js';
import { describeWithTool } from '../../support/tree/with-tool.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longhaul-segments-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Makes the source of a world what a repository is. */
async function follow(world: TreeWorld, repository: string): Promise<void> {
  const entries = await readdir(repository, { recursive: true, withFileTypes: true });
  const there = new Map<string, Buffer>();
  for (const entry of entries)
    if (entry.isFile()) {
      const path = join(entry.parentPath, entry.name);
      there.set(path.slice(repository.length + 1), await readFile(path));
    }
  for (const path of [...world.files.keys()]) if (!there.has(path)) await world.remove(path);
  for (const [path, bytes] of there)
    if (world.files.get(path)?.equals(bytes) !== true) await world.write(path, bytes);
}

async function segmentsOf(repository: string): Promise<string[]> {
  return (await readdir(join(repository, 'data/0'))).sort((a, b) => Number(a) - Number(b));
}

function notesOf({ tasks }: CopySessionOutcome): string {
  return tasks.flatMap(({ notes }) => notes).join('\n');
}

describeWithTool('a repository of borg', ['borg'], () => {
  it('that lost a segment goes on, and its copy keeps the segment through commits and compactions', async () => {
    const [files, repository] = [join(folder, 'files'), join(folder, 'repository')];
    await liveBorg.init(repository);
    // Each in segments of its own.
    for (const name of ['one', 'two', 'three']) {
      await changeFiles(files, 2);
      await liveBorg.backUp(repository, files, name);
    }
    const world = new TreeWorld('store', 'borg', shareJob('borg-store'), 'borg-store');
    await follow(world, repository);
    expect((await world.copy()).result).toBe('success');
    const sizes = await Promise.all(
      (await segmentsOf(repository)).map(async (name) => {
        const bytes = await readFile(join(repository, 'data/0', name));
        return { name, bytes };
      }),
    );
    // The data of the newest backup.
    const lost = sizes.findLast(({ bytes }) => bytes.length > 50_000)!;
    const path = `data/0/${lost.name}`;
    await rm(join(repository, path));

    await follow(world, repository);
    expect(notesOf(await world.copy())).toContain('its tool did not remove');
    await writeFile(join(files, 'late'), 'late');
    await liveBorg.backUp(repository, files, 'four');
    await follow(world, repository);
    const committed = await world.copy();
    expect(notesOf(committed)).toMatch(/^1 file is gone from the source that its own files need/m);
    expect((await world.copied()).get(path)?.equals(lost.bytes)).toBe(true);

    await promisify(execFile)('borg', ['delete', `${repository}::one`], { env: environment() });
    await promisify(execFile)('borg', ['compact', '--threshold', '0', repository], {
      env: environment(),
    });
    await follow(world, repository);
    await world.copy();
    const copied = await world.copied();
    expect(copied.get(path)?.equals(lost.bytes)).toBe(true);
    const left = [...copied.keys()].filter((one) => one.startsWith('data/')).sort();
    const shown = (await segmentsOf(repository)).map((name) => `data/0/${name}`);
    expect(left).toEqual([...shown, path].sort());
    const copy = join(folder, 'copy');
    await materialize(copied, copy);
    await liveBorg.check(copy);
  });
});

/** As of `liveBorg`. */
function environment(): NodeJS.ProcessEnv {
  return { ...process.env, BORG_PASSPHRASE: 'live', BORG_BASE_DIR: join(folder, '.borg') };
}
