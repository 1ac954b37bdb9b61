import { cp, mkdir } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { writeChainRecord } from '../../../src/chain/chain-store.js';
import type { TargetRestorePoint } from '../../../src/domain/targets/target-point.js';
import { diskId, KIB, makeSourceChain, MIB } from '../../support/kill-table/source-chain.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const NOW_MS = Date.parse('2026-11-25T00:00:00Z');
const DAY_MS = 86_400_000;
const VERIFIED_AT = '2026-11-25T01:00:00.000Z';

/** A replacement was announced in the record, and stopped; before it is carried out, staged files are lost. */
describe('a full that is to replace the files of a point', () => {
  let site: TestSite;
  let sessions: LocalSessions;
  /** Increment of two disks in the chain `nightly`, and a full of the same content that another job has made. */
  let increment: TargetRestorePoint;
  let full: TargetRestorePoint;
  let truth: Record<string, string>[];
  let chain: string;
  let otherChain: string;
  beforeEach(async () => {
    site = await TestSite.create(null);
    makeSourceChain([
      { system: fullDisk(1), data: fullDisk(2) },
      { system: incrementDisk(3), data: incrementDisk(4) },
    ]).repository.exportTo(site.path('primary'));
    sessions = new LocalSessions([await site.openSource(), await site.openTarget()]);
    await sessions.copy(testJob(), NOW_MS);
    await sessions.copy(testJob({ id: 'other', restorePoints: 'latest' }), NOW_MS);
    const { points, workload } = (await site.chain('nightly', 'mail01'))!;
    chain = chainFolder('nightly', workload.id);
    otherChain = chainFolder('other', workload.id);
    increment = points[1]!;
    full = (await site.chain('other', 'mail01'))!.points[0]!;
    truth = await site.readBack('nightly', 'mail01');
    expect([increment.kind, full.kind, increment.id]).toEqual(['increment', 'full', full.id]);
  });
  afterEach(() => site.remove());

  async function announce(): Promise<void> {
    const record = (await site.chain('nightly', 'mail01'))!;
    const pending = {
      type: 'replace',
      pointId: increment.id,
      verifiedAt: VERIFIED_AT,
      disks: full.disks,
      flags: ['weekly'],
    } as const;
    await writeChainRecord(await site.openTarget(), chain, { ...record, pending });
  }

  async function stage(disk: string, endings: readonly string[]): Promise<void> {
    const folder = site.path('offsite', chain, '.staging', `${increment.id}-full`, 'point');
    await mkdir(folder, { recursive: true });
    for (const ending of endings) await cp(source(disk, ending), `${folder}/${disk}.${ending}`);
  }

  const source = (disk: string, ending: string) =>
    site.path('offsite', otherChain, full.id, `${disk}.${ending}`);
  const WHOLE = ['qcow2', 'digests', 'tables'];
  const [data, system] = [diskId('data'), diskId('system')];

  async function nextSession() {
    const { tasks } = await sessions.copy(testJob(), NOW_MS + DAY_MS);
    const record = (await site.chain('nightly', 'mail01'))!;
    expect(record.pending).toBeNull();
    expect(await site.readBack('nightly', 'mail01')).toEqual(truth);
    const { result } = await sessions.verify('offsite', NOW_MS + 2 * DAY_MS);
    expect(result).toBe('success');
    return { point: record.points[1]!, notes: tasks[0]!.notes };
  }

  const LOST = expect.stringMatching(
    /the full that was to replace the files of restore point .* is lost/,
  );

  it('takes their place when all of it is there', async () => {
    await stage(data, WHOLE);
    await stage(system, WHOLE);
    await announce();

    const { point, notes } = await nextSession();

    expect(point).toMatchObject({
      kind: 'full',
      parentId: null,
      chainId: point.id,
      flags: ['weekly'],
      verifiedAt: expect.any(String),
    });
    expect(notes).not.toContainEqual(LOST);
  });

  it.each([
    ['all of it is', []],
    ['the digest tables are', ['qcow2', 'tables']],
    ['the images are', ['digests', 'tables']],
  ])('leaves the increment as it is when %s lost', async (_what, left) => {
    if (left.length > 0) for (const disk of [data, system]) await stage(disk, left);
    await announce();

    const { point, notes } = await nextSession();

    expect({ ...point, verifiedAt: increment.verifiedAt }).toEqual(increment);
    expect(notes).toContainEqual(LOST);
  });

  it('makes a full of the disk that is there, and no full of the point', async () => {
    await stage(data, WHOLE);
    await announce();

    const { point, notes } = await nextSession();

    expect(point).toMatchObject({ kind: 'increment', parentId: increment.parentId, flags: [] });
    expect(point.disks.map(({ disk, kind }) => [disk, kind])).toEqual([
      [data, 'full'],
      [system, 'increment'],
    ]);
    expect(notes).toContainEqual(LOST);
  });

  it('is whole when an attempt that was stopped has moved a part of it', async () => {
    await cp(source(data, 'qcow2'), site.path('offsite', chain, increment.id, `${data}.qcow2`));
    await stage(data, ['digests', 'tables']);
    for (const ending of WHOLE)
      await cp(
        source(system, ending),
        site.path('offsite', chain, increment.id, `${system}.${ending}`),
      );
    await announce();

    const { point, notes } = await nextSession();

    expect(point.kind).toBe('full');
    expect(notes).not.toContainEqual(LOST);
  });
});

function fullDisk(seed: number) {
  const writes = [{ noise: seed, at: 0, bytes: 128 * KIB }];
  return { kind: 'full', sizeBytes: MIB, writes } as const;
}

function incrementDisk(seed: number) {
  const writes = [{ noise: seed, at: 64 * KIB, bytes: 64 * KIB }];
  return { kind: 'incremental', sizeBytes: MIB, writes } as const;
}
