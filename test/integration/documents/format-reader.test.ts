import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { serializeChainRecord } from '../../../src/chain/chain-record-document.js';
import { type ChainRecord } from '../../../src/chain/chain-record.js';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import type {
  BackupRepository,
  FolderRepository,
} from '../../../src/repository/backup-repository.js';
import { requireTool } from '../../support/image/qemu.js';
import { libvirtTruth, testJob, TestSite } from '../../support/session/test-site.js';
import { WorkerDeath } from '../../support/workflows/local-server.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const run = promisify(execFile);
const READER = join(import.meta.dirname, 'read_target.py');

interface Reading {
  readonly points: readonly { readonly id: string; readonly disks: Record<string, string> }[];
  readonly checkedDigests: number;
  readonly wrong: readonly string[];
}

const EMPTY_RECORD: ChainRecord = {
  jobId: 'nightly',
  workload: { id: 'web01', name: 'web01', type: 'libvirt-kvm' },
  revision: 1,
  epoch: 1,
  owner: null,
  presence: { lastSeenAt: null, absence: null },
  points: [],
  pending: null,
};

/** The reader is written from docs/FORMAT.md alone: it shares no code with the product, not even the language. */
describe.skipIf(!requireTool('python3'))('a reader written from docs/FORMAT.md', () => {
  let site: TestSite;
  beforeEach(async () => {
    site = await TestSite.create();
  });
  afterEach(() => site.remove());

  /** Copies one machine. @returns the folder of its chain */
  async function copy(name: string): Promise<string> {
    const { id } = await site.workload(name);
    await session(name, testJob(), await site.openTarget());
    return site.path('offsite', chainFolder('nightly', id));
  }

  async function session(
    name: string,
    job: CopyJob,
    target: BackupRepository,
    isDead?: () => boolean,
  ): Promise<void> {
    const sessions = new LocalSessions([await site.openSource(), target], { isDead });
    await sessions.copy(job, Date.parse('2026-11-25T22:00:00Z'), { workloads: [name] });
  }

  async function read(chain: string): Promise<Reading> {
    const { stdout } = await run('python3', [READER, chain]);
    return JSON.parse(stdout) as Reading;
  }

  it.each(['files01', 'web01'])(
    'reads every restore point of a chain and finds every digest right (%s)',
    async (name) => {
      const { points, checkedDigests, wrong } = await read(await copy(name));
      expect(points.map(({ disks }) => disks)).toEqual(
        Object.values((await libvirtTruth())[name]!),
      );
      expect(wrong).toEqual([]);
      expect(checkedDigests).toBeGreaterThan(40);
    },
  );

  it('takes the second copy of the commit record when the first is damaged', async () => {
    const chain = await copy('web01');
    const before = await read(chain);
    await writeFile(join(chain, 'chain.json'), '{ "longhaulChain": 1 ');
    expect(await read(chain)).toEqual(before);
  });

  it('takes the newer of the two files of the commit record', async () => {
    const chain = await copy('web01');
    const before = await read(chain);
    const path = join(chain, 'chain.json');
    await writeFile(path, serializeChainRecord({ ...EMPTY_RECORD, revision: 1 }));
    expect(await read(chain)).toEqual(before);
    await writeFile(path, serializeChainRecord({ ...EMPTY_RECORD, revision: 1_000 }));
    expect((await read(chain)).points).toEqual([]);
  });

  it('names the unit in which a bit was flipped', async () => {
    const chain = await copy('web01');
    const { points } = await read(chain);
    const path = `${points[1]!.id}/vda.qcow2`;
    const bytes = await readFile(join(chain, path));
    bytes[2 * 65_536 + 17]! ^= 1;
    await writeFile(join(chain, path), bytes);
    expect((await read(chain)).wrong).toEqual([`${path} unit 2`]);
  });

  it('reads the surviving points while a merge is stopped before and after its rename', async () => {
    const chain = await copy('files01');
    const [, ...surviving] = Object.values((await libvirtTruth())['files01']!);
    for (const stop of ['before', 'after'] as const) {
      await expect(merge(stop)).rejects.toThrow(WorkerDeath);
      const { points, wrong } = await read(chain);
      expect(points.map(({ disks }) => disks)).toEqual(surviving);
      expect(wrong).toEqual([]);
    }
    await merge('never');
    const { points, wrong } = await read(chain);
    expect(points.map(({ disks }) => disks)).toEqual(surviving);
    expect(wrong).toEqual([]);
  });

  /** The next session merges the oldest increment and stops at the first rename of a full. */
  async function merge(stop: 'before' | 'after' | 'never'): Promise<void> {
    const { repository, isStopped } = stoppingAtRename(await site.openTarget(), stop);
    const retention = { type: 'restorePoints', value: 2 } as const;
    await session('files01', testJob({ retention }), repository, isStopped);
  }
});

function stoppingAtRename(
  repository: FolderRepository,
  stop: 'before' | 'after' | 'never',
): { repository: BackupRepository; isStopped: () => boolean } {
  let isStopped = false;
  const unchanged = repository.fenced(() => {
    if (isStopped) throw new Error('stopped');
  });
  const stopping: FolderRepository = {
    ...unchanged,
    async rename(from, to) {
      const isSwitch = stop !== 'never' && to.endsWith('.qcow2');
      isStopped ||= isSwitch && stop === 'before';
      await unchanged.rename(from, to);
      isStopped ||= isSwitch;
    },
  };
  return { repository: stopping, isStopped: () => isStopped };
}
