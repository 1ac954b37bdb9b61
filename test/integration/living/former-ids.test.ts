import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { findChains } from '../../../src/chain/find-chains.js';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import { workloadSegment } from '../../../src/domain/targets/path-segment.js';
import { composerOf } from '../../../src/image/formats.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { readTreeRecord, writeTreeRecord } from '../../../src/tree/tree-store.js';
import { blockOf, composeDisk } from '../../support/image/composed-disk.js';
import { clusterFiles, segmentName } from '../../support/layout/cluster-files.js';
import { sourceAndTarget } from '../../support/repository/source-and-target.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const HOUR_MS = 3_600_000;
const NOW_MS = Date.now() + 10 * 24 * HOUR_MS;
const DISK_BYTES = 4 * 65_536;
const LOGS: Partial<CopyJob> = {
  ...{ mode: 'immediate', transactionLogs: true },
  retention: { type: 'days', value: 30 },
};

/** What is told apart by what lies beside it: one folder with a date may be any folder, two are those of a run. */
describe('copies of what had another id before', () => {
  let folder: string;
  let primary: BackupRepository;
  let offsite: BackupRepository;
  beforeEach(async () => {
    ({ folder, primary, offsite } = await sourceAndTarget('former-ids'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function put(path: string, content: Uint8Array | string, hoursAgo = 20): Promise<void> {
    const at = join(folder, 'primary', path);
    await mkdir(dirname(at), { recursive: true });
    await writeFile(at, content);
    await written(path, hoursAgo);
  }

  async function written(path: string, hoursAgo: number): Promise<void> {
    const date = new Date(NOW_MS - hoursAgo * HOUR_MS);
    await utimes(join(folder, 'primary', path), date, date);
  }

  async function session(hours: number, more: Partial<CopyJob> = {}) {
    const job = testJob({
      ...{ restorePoints: 'all', retention: { type: 'restorePoints', value: 9 } },
      ...more,
    });
    const outcome = await new LocalSessions([primary, offsite]).copy(job, NOW_MS + hours * HOUR_MS);
    const { chains } = await findChains(offsite);
    return {
      result: outcome.result,
      texts: outcome.tasks.flatMap(({ reason, notes }) => [reason, ...notes]).join('; '),
      chains: chains.map(({ record }) => ({
        id: record.workload.id,
        points: record.points.map(({ kind, copyId }) => ({ kind, copyId })),
      })),
    };
  }

  const disk = (seed: number) => {
    const bytes = Buffer.alloc(DISK_BYTES, 0x33);
    bytes.set(blockOf(seed), 65_536);
    return bytes;
  };
  /** Its first file is the label. */
  function baseBackup(seed: number): Buffer {
    const at = mkdtempSync(join(tmpdir(), 'longhaul-base-'));
    try {
      for (const [path, bytes] of Object.entries(clusterFiles(''))) {
        mkdirSync(dirname(join(at, path)), { recursive: true });
        writeFileSync(join(at, path), path === 'base/5/1259' ? Buffer.alloc(8192, seed) : bytes);
      }
      const members = ['backup_label', 'PG_VERSION', 'base', 'global'];
      return execFileSync('tar', ['--format=ustar', '--mtime=@0', '-cf', '-', ...members], {
        cwd: at,
      });
    } finally {
      rmSync(at, { recursive: true });
    }
  }
  async function machine(at: string, seed: number): Promise<void> {
    const blocks = new Map([[1, blockOf(seed)]]);
    const shape = { virtualSizeBytes: DISK_BYTES, dialect: {}, blocks };
    await put(`${at}/web.vmdk`, (await composeDisk(composerOf('vmdk'), shape, 'web.vmdk')).bytes);
    await put(`${at}/web.vmx`, 'scsi0:0.present = "TRUE"\nscsi0:0.fileName = "web.vmdk"\n');
  }

  it.each([
    [
      'an image',
      (day: string, seed: number) => put(`vms-${day}/web.img`, disk(seed)),
      ['raw-vms-20240115:web.img', 'raw-vms:web.img'],
      'increment',
    ],
    [
      'a machine of VMware',
      (day: string, seed: number) => machine(`vms-${day}`, seed),
      ['vmware-vms-20240115:web', 'vmware-vms:web'],
      'increment',
    ],
    [
      'a machine of Nutanix',
      (day: string, seed: number) => put(`vms-${day}/web-scsi.0.raw`, disk(seed)),
      ['nutanix-vms-20240115:web', 'nutanix-vms:web'],
      'increment',
    ],
    [
      'a base backup of PostgreSQL',
      (day: string, seed: number) => put(`pg-${day}/base.tar`, baseBackup(seed)),
      ['postgresql-base-pg-20240115', 'postgresql-base-pg'],
      'full',
    ],
  ] as const)('go on under the id that it has now: %s', async (_, write, [before, now], kind) => {
    await write('20240115', 1);
    const first = await session(0);
    expect(first.chains.map(({ id }) => id)).toEqual([before]);
    const [full] = first.chains[0]!.points;

    await write('20240201', 2);
    const second = await session(1);
    expect(second.chains).toEqual([
      { id: now, points: [full, { kind, copyId: expect.any(String) as unknown }] },
    ]);
    expect(second.texts).toContain(
      `it was ${before} before: 1 restore point that lay under that id is its own now`,
    );
    expect(second.result).toBe('success');
    // Nothing is left where they lay.
    const names = await readdir(join(folder, 'offsite', 'nightly'));
    expect(names.filter((name) => name.includes('20240115'))).toEqual([]);
    expect((await session(2)).chains).toEqual(second.chains);
  });

  /** As a tree, they lay under another name: its id was told by where its files lay. */
  it.each([
    ['a date that the source shows', 'postgres-wal-logs:2024-01-15'],
    ['a date that it has pruned', 'postgres-wal-logs:2023-01-15'],
  ])('stay, and are named in each session, as a log in folders of %s', async (_, before) => {
    const segment = Buffer.alloc(1024 * 1024, 5);
    for (const [day, number] of [
      ['2024-01-15', 1],
      ['2024-01-16', 2],
    ] as const)
      await put(`logs/${day}/${segmentName(number)}`, segment);
    const first = await session(0, LOGS);
    expect([first.result, first.texts]).toEqual(['success', '']);
    await asCopiesOf('postgres-wal-logs', before);
    for (const hours of [1, 2]) {
      const { result, texts } = await session(hours, LOGS);
      expect(result).toBe('warning');
      expect(texts).toContain(`longhaul job detach nightly '${before}'`);
    }
    const names = await readdir(join(folder, 'offsite', 'nightly'));
    expect(names).toContain(workloadSegment(before));
    expect(names).toContain('postgres-wal-logs');
  });

  /** What a build before this one has left. */
  async function asCopiesOf(now: string, before: string): Promise<void> {
    const home = chainFolder('nightly', now);
    const record = (await readTreeRecord(offsite, home))!;
    await writeTreeRecord(offsite, home, {
      ...record,
      workload: { ...record.workload, id: before },
    });
    await rename(
      join(folder, 'offsite', home),
      join(folder, 'offsite', chainFolder('nightly', before)),
    );
  }

  it('stay where nothing proves that they are of it, and are named with what to do', async () => {
    await put('vms-20240115/web.img', disk(1));
    await session(0);
    // Written to since, so that its copy may be another machine's.
    await put('vms-20240115/web.img', disk(3), 15);
    await put('vms-20240201/web.img', disk(2));
    const { chains, result, texts } = await session(1);
    expect(chains.map(({ id }) => id).sort()).toEqual([
      'raw-vms-20240115:web.img',
      'raw-vms:web.img',
    ]);
    expect(result).toBe('warning');
    expect(texts).toContain("longhaul job detach nightly 'raw-vms-20240115:web.img'");

    // They may be of it for as long as they lie there, and nothing proves it by now.
    const next = await session(2);
    expect(next.chains).toEqual(chains);
    expect(next.result).toBe('warning');
    expect(next.texts).toContain(
      'it has a chain of its own, and copies under "raw-vms-20240115:web.img" may be of it, too: they stay, and no retention removes them',
    );
    expect(next.texts).toContain("longhaul job detach nightly 'raw-vms-20240115:web.img'");
  });
});
