import { open } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRetentionActivities } from '../../../activities/task/retention-activities.js';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { DataMover } from '../../../src/mover/data-mover.js';
import { diskId, KIB, makeSourceChain, MIB } from '../../support/kill-table/source-chain.js';
import { inActivity } from '../../support/activities/in-activity.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';
import { locationOf } from '../../../src/bin/workers.js';

const NOW_MS = Date.parse('2026-11-25T00:00:00Z');

describe('merge of a machine with two disks', () => {
  let site: TestSite;
  let mover: DataMover;
  beforeAll(async () => {
    site = await TestSite.create(null);
    makeSourceChain([
      { system: full(1), data: full(2) },
      { system: increment(3), data: increment(4) },
    ]).repository.exportTo(site.path('primary'));
    mover = new DataMover(
      site.repositories.map((repository) => ({ ...locationOf(repository), isReadOnly: false })),
    );
  });
  afterAll(async () => {
    await mover.close();
    await site.remove();
  });

  it('is refused when the increment of the second disk is damaged, and changes no file', async () => {
    const repositories = [await site.openSource(), await site.openTarget()];
    await new LocalSessions(repositories).copy(testJob(), NOW_MS);
    const { epoch, points, workload } = (await site.chain('nightly', 'mail01'))!;
    const [older, newer] = points;
    const disks = newer!.disks.map(({ disk }) => disk);
    expect(disks).toEqual([diskId('data'), diskId('system')]);
    const chain = chainFolder('nightly', workload.id);
    const damaged = site.path('offsite', chain, newer!.disks[1]!.path);
    await flipByte(damaged, 64 * KIB + 100);

    const { mergeIncrement } = createRetentionActivities({ mover, immutableForDays: () => 0 });
    const merge = {
      targetRepositoryId: 'offsite',
      jobId: 'nightly',
      workloadId: workload.id,
      epoch,
      nowMs: NOW_MS,
      fullId: older!.id,
      incrementId: newer!.id,
    };
    await expect(inActivity(mergeIncrement, merge)).rejects.toMatchObject({
      type: 'BLOCK_DIGEST_MISMATCH',
    });
    expect((await site.chain('nightly', 'mail01'))!.points).toEqual(points);

    await flipByte(damaged, 64 * KIB + 100);
    expect(await inActivity(mergeIncrement, merge)).toEqual({
      state: 'merged',
      reason: null,
    });
  });
});

function full(seed: number) {
  const writes = [{ noise: seed, at: 0, bytes: 128 * KIB }];
  return { kind: 'full', sizeBytes: MIB, writes } as const;
}

function increment(seed: number) {
  const writes = [{ noise: seed, at: 64 * KIB, bytes: 64 * KIB }];
  return { kind: 'incremental', sizeBytes: MIB, writes } as const;
}

async function flipByte(path: string, offset: number): Promise<void> {
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, offset);
  byte[0]! ^= 0xff;
  await file.write(byte, 0, 1, offset);
  await file.close();
}
