import { expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readWholeFile } from '../../../src/repository/replace-file.js';
import { LivingChain, newest } from '../../support/living/living-chain.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const DAY_MS = 86_400_000;
const BLOCK_BYTES = 65_536;
const FIRST_AT_MS = Date.parse('2026-11-02T22:00:00Z');
/** In both files a header comes first, then blocks 0 and 2 of the disk, of which the increment writes block 2 anew. */
const BLOCK_2_AT = 2 * BLOCK_BYTES;

async function overwrite(repository: SimulatedRepository, path: string): Promise<void> {
  const file = await repository.openWrite(path, 'existing');
  await file.write(Buffer.from('other bytes'), BLOCK_2_AT);
  await file.close();
}

it('leaves a damaged block as it is when the source shows other bytes under the id of the restore point', async () => {
  const source = new SimulatedRepository('primary');
  const target = new SimulatedRepository('offsite');
  const living = await LivingChain.begin({ source, target }, FIRST_AT_MS, newest(9));
  await living.session();
  living.source.work(2);
  await living.source.backUp(FIRST_AT_MS + DAY_MS, 'incremental');
  await living.session();
  const [full] = await living.points();
  const path = `${chainFolder('nightly', living.chain.workloadId)}/${full!.disks[0]!.path}`;
  const damaged = await target.openWrite(path, 'existing');
  await damaged.write(Buffer.from('rot'), BLOCK_2_AT + 100);
  await damaged.close();
  await overwrite(source, `mail01/${living.source.days[0]!.fileName}`);
  const before = await readWholeFile(target, path, 16 * 1024 * 1024);

  const sessions = new LocalSessions([source, target]);
  const { result, notes } = await sessions.verify('offsite', living.afterNewestBackupMs);
  expect(result).toBe('failed');
  expect(notes.join('\n')).toContain('no good copy of it was found');
  expect((await readWholeFile(target, path, 16 * 1024 * 1024))!.equals(before!)).toBe(true);
  expect((await living.points()).map(({ health }) => health)).toEqual(['corrupt', 'good']);
  const [, second] = await living.points();
  expect(await living.wrongPoints()).not.toContain(second!.id);
});
