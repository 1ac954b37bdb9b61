import { open, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findChains } from '../../../src/chain/find-chains.js';
import type { FileStamp } from '../../../src/domain/file-stamp.js';
import { crc32c } from '../../../src/image/vhdx/crc32c.js';
import { VHDX } from '../../../src/image/vhdx/vhdx-format.js';
import type { BackupRepository, ReadableFile } from '../../../src/repository/backup-repository.js';
import {
  blockOf,
  composeDisk,
  firstDifference,
  guestBytes,
} from '../../support/image/composed-disk.js';
import { openedVhdx } from '../../support/image/open-vhdx.js';
import { qemuBytes, requireTool } from '../../support/image/qemu.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { sourceAndTarget } from '../../support/repository/source-and-target.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const MIB = 1024 * 1024;
const DISK_BYTES = 8 * MIB;
const DAY_MS = 86_400_000;
const NOW_MS = Date.now() + DAY_MS;
const HEADERS = [0x1_0000, 0x2_0000] as const;
const before = new Map([
  [0, blockOf(1)],
  [80, blockOf(2)],
]);
const after = new Map([
  [0, blockOf(3)],
  [80, blockOf(4)],
]);

/** A disk that Windows opens while it is copied, writes to, and closes: its times stand still. */
describe.skipIf(!requireTool('qemu-img'))('a disk that is written to under one stamp', () => {
  let folder: string;
  let primary: BackupRepository;
  let offsite: BackupRepository;
  let path: string;
  let bytes: Buffer;
  beforeEach(async () => {
    ({ folder, primary, offsite } = await sourceAndTarget('opened-disk'));
    path = join(folder, 'primary', 'ann.vhdx');
    const disk = { virtualSizeBytes: DISK_BYTES, dialect: {}, blocks: before };
    ({ bytes } = await composeDisk(VHDX.composer, disk));
    await writeFile(path, bytes);
    const at = new Date(NOW_MS - 10 * DAY_MS);
    await utimes(path, at, at);
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** Each stamp of the disk is the first one; `onData` is called once, when a block of the disk has been read. */
  function standStill(onData: () => Promise<void>): void {
    let first: FileStamp | null = null;
    const still = (stamp: FileStamp) => (first ??= stamp);
    const { list, stat, openRead } = primary;
    let isAhead = true;
    const opened = (file: ReadableFile): ReadableFile => ({
      path: file.path,
      stamp: async () => still(await file.stamp()),
      close: () => file.close(),
      read: async (target, offset) => {
        const count = await file.read(target, offset);
        if (isAhead && Buffer.from(target).includes(Buffer.from(blockOf(1)))) {
          isAhead = false;
          await onData();
        }
        return count;
      },
    });
    Object.assign(primary, {
      list: async (of: string) =>
        (await list.call(primary, of)).map((entry) => ({ ...entry, stamp: still(entry.stamp) })),
      stat: async (of: string) => {
        const entry = await stat.call(primary, of);
        return entry === null ? null : { ...entry, stamp: still(entry.stamp) };
      },
      openRead: async (of: string) => opened(await openRead.call(primary, of)),
    });
  }

  /** Both copies of the header get a new FileWriteGuid and number, as [MS-VHDX] 2.2.2 asks of whoever opens a file to write. */
  async function writeAsWindows(): Promise<void> {
    const file = await open(path, 'r+');
    for (const [copy, offset] of HEADERS.entries()) {
      const header = Buffer.from(bytes.subarray(offset, offset + 4096));
      header.writeBigUInt64LE(header.readBigUInt64LE(8) + 10n + BigInt(copy), 8);
      header.fill(0xab, 16, 32);
      header.writeUInt32LE(0, 4);
      header.writeUInt32LE(crc32c(header), 4);
      await file.write(header, 0, header.length, offset);
    }
    for (const [block, content] of after)
      await file.write(content, 0, content.length, bytes.indexOf(before.get(block)!));
    await file.close();
  }

  it('is copied whole, as it was before or as it is after', async () => {
    let writes = 0;
    standStill(async () => {
      writes += 1;
      await writeAsWindows();
    });
    await new LocalSessions([primary, offsite]).copy(testJob(), NOW_MS);
    expect(writes).toBe(1);
    const { chains } = await findChains(offsite);
    const [point] = chains[0]!.record.points;
    const copied = join(folder, 'offsite', chains[0]!.folder, point!.disks[0]!.path);
    const seen = await qemuBytes(copied, 'vhdx');
    expect(firstDifference(seen, guestBytes(DISK_BYTES, after))).toBeNull();
  });

  it('that was opened after its copy is told as newer than that, at once, and warned of after a day', async () => {
    const sessions = new LocalSessions([primary, offsite]);
    await sessions.copy(testJob(), NOW_MS);
    await writeFile(path, openedVhdx(bytes));
    const at = new Date(NOW_MS - 9 * DAY_MS);
    await utimes(path, at, at);
    const { tasks } = await sessions.copy(testJob(), NOW_MS + 2 * DAY_MS);
    const { result, reason } = tasks[0]!;
    expect([result, reason]).toEqual([
      'nothingToCopy',
      expect.stringMatching(/^newest restore point .* is incomplete \(ann\.vhdx is open, /),
    ]);
    const { folder: chain, record } = (await findChains(offsite)).chains[0]!;
    const { detection } = await new InProcessMover(primary, offsite).run('selectWork', {
      ...{ targetRepositoryId: 'offsite', chain, sourceRepositoryId: 'primary', epoch: null },
      ...{ workloadId: record.workload.id, job: testJob(), scope: 'latest', activeFull: false },
      settle: { nowMs: NOW_MS + 2 * DAY_MS, settleMs: 0 },
    });
    expect(detection.warnings.join()).toContain(
      'has been incomplete for more than a day (ann.vhdx is open, ',
    );
  });
});
