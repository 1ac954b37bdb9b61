import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { expect, it } from 'vitest';
import { WINDOW_BYTES } from '../../../src/domain/targets/digest.js';
import { testJob } from '../../support/session/test-site.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

it('progress does not pass its total when the target is put back to an older state', async () => {
  const source = new SimulatedRepository('primary');
  const file = await source.openWrite('web01.img', 'open-or-new');
  for (let window = 0; window < 3; window++)
    await file.write(Buffer.alloc(WINDOW_BYTES, 7 + window), window * WINDOW_BYTES);
  await file.close();
  const target = new SimulatedRepository('offsite');
  const older = await mkdtemp(join(tmpdir(), 'older-'));
  const asked: string[] = [];
  const sessions = new LocalSessions([source, target], {
    beforeActivity: async (name) => {
      asked.push(name);
      const times = asked.filter((each) => each === name).length;
      if (times > 1) return;
      if (name === 'copyBlocks') target.exportTo(older);
      if (name !== 'composeTargetFile') return;
      for (const { name: folder } of await target.list('')) await removeAll(target, folder);
      target.importFrom(older);
      throw ApplicationFailure.nonRetryable('put back', 'FILE_MISSING');
    },
  });
  const { tasks } = await sessions.copy(testJob({ restorePoints: 'all' }), Date.UTC(2026, 10, 27));
  await rm(older, { recursive: true });
  expect(asked.filter((name) => name === 'copyBlocks').length).toBeGreaterThan(1);
  expect(tasks).toMatchObject([
    {
      result: 'success',
      // All of it once more, since nothing of it was there any longer.
      progress: { totalBytes: 6 * WINDOW_BYTES, processedBytes: 6 * WINDOW_BYTES, percent: 100 },
    },
  ]);
});

async function removeAll(target: SimulatedRepository, folder: string): Promise<void> {
  for (const { name, type } of await target.list(folder)) {
    const path = `${folder}/${name}`;
    if (type === 'folder') await removeAll(target, path);
    else await target.unlink(path);
  }
  await target.removeFolder(folder);
}
