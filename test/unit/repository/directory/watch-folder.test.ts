import fs from 'node:fs';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { watchFolders } from '../../../../src/repository/directory/watch-folder.js';

afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

/** What the system is asked to watch, up to a limit of its own. */
function systemWith(limit: number) {
  const asked: { path: string; recursive: boolean }[] = [];
  let closed = 0;
  vi.spyOn(fs, 'watch').mockImplementation(((path: string, options: { recursive?: boolean }) => {
    if (asked.length === limit)
      throw Object.assign(new Error('no watches left'), { code: 'ENOSPC', errno: -28 });
    asked.push({ path, recursive: options.recursive === true });
    return { on: () => undefined, close: () => closed++ };
  }) as never);
  syncBuiltinESMExports();
  return { asked, closedCount: () => closed };
}

describe('watched folders', () => {
  it('cost one call each, and nothing for what lies in them', () => {
    const { asked } = systemWith(Infinity);
    const watch = watchFolders('/backups', () => undefined);
    expect(watch.add(['vm/disk', '', 'vm'])).toBe(true);
    expect(watch.add(['vm', ''])).toBe(false);
    expect(asked).toEqual(
      ['/backups', '/backups/vm', '/backups/vm/disk'].map((path) => ({ path, recursive: false })),
    );
  });

  it('are a thousand at most, those first that new folders appear in', () => {
    const { asked } = systemWith(Infinity);
    const below = Array.from({ length: 5_000 }, (_, number) => `vm/${number}`);
    watchFolders('/backups', () => undefined).add([...below, 'vm', '']);
    expect(asked).toHaveLength(1_024);
    expect(asked.slice(0, 2).map(({ path }) => path)).toEqual(['/backups', '/backups/vm']);
  });

  it('are given back when the system has no more of them', () => {
    const { asked, closedCount } = systemWith(2);
    const watch = watchFolders('/backups', () => undefined);
    expect(watch.add(['', 'a', 'b', 'c'])).toBe(false);
    expect([asked.length, closedCount()]).toEqual([2, 2]);
    expect(watch.add([''])).toBe(false);
    expect(asked).toHaveLength(2);
  });

  it('ring for a file that is written in one, and are watched anew when another folder has the name', async () => {
    const rootPath = mkdtempSync(join(tmpdir(), 'longhaul-watched-'));
    onTestFinished(() => rmSync(rootPath, { recursive: true }));
    mkdirSync(join(rootPath, 'vm'));
    let heard = (): void => undefined;
    const rung = () => new Promise<void>((resolve) => (heard = resolve));
    const watch = watchFolders(rootPath, () => heard());
    onTestFinished(() => watch.close());
    expect(watch.add(['', 'vm', 'absent'])).toBe(true);
    let bell = rung();
    writeFileSync(join(rootPath, 'vm', 'disk'), 'x');
    await bell;
    bell = rung();
    rmSync(join(rootPath, 'vm'), { recursive: true });
    mkdirSync(join(rootPath, 'vm'));
    await bell;
    expect(watch.add(['vm'])).toBe(true);
  });

  it('are watched anew below a folder that was moved away, and ring for what has their names', async () => {
    const rootPath = mkdtempSync(join(tmpdir(), 'longhaul-watched-'));
    onTestFinished(() => rmSync(rootPath, { recursive: true }));
    mkdirSync(join(rootPath, 'vm', 'disks'), { recursive: true });
    let heard = (): void => undefined;
    const rung = () => new Promise<void>((resolve) => (heard = resolve));
    const watch = watchFolders(rootPath, () => heard());
    onTestFinished(() => watch.close());
    expect(watch.add(['', 'vm/disks'])).toBe(true);
    let bell = rung();
    renameSync(join(rootPath, 'vm'), join(rootPath, 'moved'));
    mkdirSync(join(rootPath, 'vm', 'disks'), { recursive: true });
    await bell;
    expect(watch.add(['', 'vm/disks'])).toBe(true);
    bell = rung();
    writeFileSync(join(rootPath, 'vm', 'disks', 'disk'), 'x');
    await bell;
  });
});
