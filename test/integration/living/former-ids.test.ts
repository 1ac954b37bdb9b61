import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findChains } from '../../../src/chain/find-chains.js';
import { composerOf } from '../../../src/image/formats.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { blockOf, composeDisk } from '../../support/image/composed-disk.js';
import { sourceAndTarget } from '../../support/repository/source-and-target.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const HOUR_MS = 3_600_000;
const NOW_MS = Date.now() + 10 * 24 * HOUR_MS;
const DISK_BYTES = 4 * 65_536;

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

  async function session(hours: number) {
    const job = testJob({ restorePoints: 'all', retention: { type: 'restorePoints', value: 9 } });
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
    ],
    [
      'a machine of VMware',
      (day: string, seed: number) => machine(`vms-${day}`, seed),
      ['vmware-vms-20240115:web', 'vmware-vms:web'],
    ],
  ] as const)('go on under the id that it has now: %s', async (_, write, [before, now]) => {
    await write('20240115', 1);
    const first = await session(0);
    expect(first.chains.map(({ id }) => id)).toEqual([before]);
    const [full] = first.chains[0]!.points;

    await write('20240201', 2);
    const second = await session(1);
    expect(second.chains).toEqual([
      { id: now, points: [full, { kind: 'increment', copyId: expect.any(String) as unknown }] },
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
