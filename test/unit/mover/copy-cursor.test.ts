import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCopyWindows, sealOf, writeSeal } from '../../../src/mover/staging/copy-cursor.js';
import { stagedPath } from '../../../src/mover/staging/copy-plan.js';
import type { BackupRepository, WritableFile } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory-repository.js';

/** Two windows of 128 slots and one of 44 (docs/FORMAT.md, Staging): 32 bytes a slot, behind 64 bytes of header and the header's unit. */
const DISK = { disk: 'vda', slotCount: 300 };
const entryOffset = (slot: number): number => 64 + (1 + slot) * 32;
const entriesOf = (window: number): Buffer =>
  Buffer.alloc(32 * Math.min(128, 300 - window * 128), window + 1);

describe('the cursor of a copy', () => {
  let folder: string;
  let target: BackupRepository;
  let cursor: WritableFile;
  let table: WritableFile;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longhaul-cursor-'));
    target = await openDirectoryRepository({ id: 'offsite', rootPath: folder, readOnly: false });
    for (const part of ['work', 'point']) await target.makeFolder(`staging/${part}`);
    cursor = await target.openWrite(stagedPath.cursor('staging', 'vda'), 'open-or-new');
    table = await target.openWrite(stagedPath.digests('staging', 'vda'), 'open-or-new');
  });
  afterEach(async () => {
    await cursor.close();
    await table.close();
    await rm(folder, { recursive: true });
  });

  const open = () => openCopyWindows(target, 'staging', DISK, 0, 3);
  async function copy(window: number): Promise<void> {
    await table.write(entriesOf(window), entryOffset(window * 128));
    await writeSeal(cursor, window, sealOf(entriesOf(window)));
  }

  it('shows every window as open at first, and those that are copied no more', async () => {
    expect(await open()).toEqual([0, 1, 2]);
    await copy(2);
    await copy(0);
    expect(await open()).toEqual([1]);
  });

  it('seals a window with the SHA-256 of its digests', () => {
    const expected = createHash('sha256').update(entriesOf(0)).digest();
    expect(sealOf(entriesOf(0)).equals(expected)).toBe(true);
  });

  it('opens a window whose digests a power cut took, wholly or in part', async () => {
    for (const window of [0, 1, 2]) await copy(window);
    await table.write(Buffer.alloc(32), entryOffset(127));
    await table.truncate(entryOffset(256));
    expect(await open()).toEqual([0, 2]);
  });

  it('opens a window whose seal is torn', async () => {
    for (const window of [0, 1, 2]) await copy(window);
    await cursor.truncate(2 * 32 + 31);
    await cursor.write(Buffer.alloc(16), 32);
    expect(await open()).toEqual([1, 2]);
  });

  it('does not count the digests of the tables behind the last slot to its window', async () => {
    await copy(2);
    await table.write(Buffer.alloc(64, 9), entryOffset(300));
    expect(await open()).toEqual([0, 1]);
  });

  it('shows none as open once the file is composed, whose parts may have their final names', async () => {
    const composed = await target.openWrite(stagedPath.composed('staging'), 'open-or-new');
    await composed.close();
    await target.remove(stagedPath.digests('staging', 'vda'));
    expect(await open()).toEqual([]);
  });
});
