import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { treeRuns } from '../../../bench/tree-under-test.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';

const FOLDERS = 5;

/** The repository, and how often each of its calls was made. */
async function counted(
  id: string,
  rootPath: string,
): Promise<{ readonly repository: BackupRepository; readonly calls: Map<string, number> }> {
  const calls = new Map<string, number>();
  const opened = await openDirectoryRepository({ id, rootPath, readOnly: id === 'source' });
  const repository = new Proxy(opened, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      // What stands behind its fence is counted, too.
      if (typeof value !== 'function' || typeof name !== 'string' || name === 'fenced')
        return value;
      return (...given: unknown[]) => {
        calls.set(name, (calls.get(name) ?? 0) + 1);
        return (value as (...all: unknown[]) => unknown).apply(target, given);
      };
    },
  });
  return { repository, calls };
}

it('a run over an unchanged tree writes nothing, opens what the copy knows, and lists each folder of the source', async () => {
  const root = await mkdtemp(join(tmpdir(), 'longhaul-many-files-'));
  onTestFinished(() => rm(root, { recursive: true }));
  const point = join(root, 'source', 'share', '2026-11-24-010000');
  for (let folder = 0; folder < FOLDERS; folder++) {
    await mkdir(join(point, String(folder)), { recursive: true });
    for (let file = 0; file < 4; file++)
      await writeFile(join(point, String(folder), String(file)), `${folder}.${file}`);
  }
  await writeFile(join(root, 'source', 'share', 'backup.marker'), '');
  await mkdir(join(root, 'target'));
  const source = await counted('source', join(root, 'source'));
  const target = await counted('target', join(root, 'target'));
  const runs = await treeRuns(new InProcessMover(source.repository, target.repository));
  expect(await runs.once()).toBe('copied');
  source.calls.clear();
  target.calls.clear();
  expect(await runs.once()).toBe('same');
  // The record, its second copy, and a run for each of two classes; whether something lies in staging, and whether each of so few files is there.
  const files = FOLDERS * 4 + 1;
  expect(Object.fromEntries(target.calls)).toEqual({ openRead: 4, stat: 1 + files });
  expect(source.calls.get('openRead') ?? 0).toBe(0);
  // Each folder of the backup once, for the layout (is it still being written) and the comparison together, and those above them.
  expect(source.calls.get('list')).toBeLessThanOrEqual(FOLDERS + 1 + 6);
});
