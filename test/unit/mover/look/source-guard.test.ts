import { beforeEach, describe, expect, it } from 'vitest';
import { markRepository } from '../../../../src/repository/repository-marker.js';
import { BackupError } from '../../../../src/domain/errors.js';
import { assertIsNoTarget, knownMarker } from '../../../../src/mover/look/source-guard.js';
import { InProcessMover } from '../../../support/mover/in-process-mover.js';
import { putFile } from '../../../support/repository/chain-record-file.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

const MARKER = '.longhaul/repository.json';

let [primary, offsite, other]: SimulatedRepository[] = [];
beforeEach(async () => {
  [primary, offsite, other] = ['primary', 'offsite', 'other'].map(
    (id) => new SimulatedRepository(id),
  );
  await markRepository(offsite!);
  await markRepository(other!);
});

const repositories = () => new InProcessMover(primary!, offsite!, other!);
const guard = (id: string, targets: readonly string[] = ['other', 'offsite']) =>
  assertIsNoTarget(repositories(), targets, id);

async function mountAs(source: SimulatedRepository, target: SimulatedRepository): Promise<void> {
  const file = await target.openRead(MARKER);
  const bytes = Buffer.alloc((await file.stamp()).sizeBytes);
  await file.read(bytes, 0);
  await file.close();
  await putFile(source, MARKER, bytes);
}

describe('a source', () => {
  it('that is a target under another path is refused, and the target named', async () => {
    await mountAs(primary!, offsite!);
    await expect(guard('primary')).rejects.toMatchObject({
      code: 'SOURCE_IS_TARGET',
      details: { repositoryId: 'primary', targetId: 'offsite' },
    });
  });

  it('is none by itself, by another target, or where a target is named by its own id', async () => {
    await expect(guard('primary')).resolves.toBeUndefined();
    await mountAs(primary!, offsite!);
    await expect(guard('primary', ['other'])).resolves.toBeUndefined();
    await expect(guard('offsite', ['offsite'])).resolves.toBeUndefined();
  });

  it('is not refused for a marker that is damaged or away', async () => {
    await putFile(primary!, MARKER, '{');
    expect(await knownMarker(repositories(), 'primary')).toBeNull();
    await expect(guard('primary')).resolves.toBeUndefined();
    await mountAs(primary!, offsite!);
    offsite!.openRead = () =>
      Promise.reject(new BackupError('REPOSITORY_UNREACHABLE', 'the share is not connected'));
    await expect(guard('primary')).resolves.toBeUndefined();
  });

  it('is judged by no fault of another kind', async () => {
    primary!.openRead = () => Promise.reject(new Error('a bug'));
    await expect(guard('primary')).rejects.toThrow('a bug');
    await expect(guard('unknown')).rejects.toMatchObject({ code: 'REPOSITORY_MISSING' });
  });
});
