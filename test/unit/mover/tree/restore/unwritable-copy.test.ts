import { describe, expect, it } from 'vitest';
import { BackupError } from '../../../../../src/domain/errors.js';
import { digests, folder, storeWorld } from '../../../../support/tree/copied-trees.js';
import { filesBelow } from '../../../../support/tree/tree-world.js';

describe('a restore of a tree from storage that takes no write', () => {
  it.each(['REPOSITORY_READ_ONLY', 'REPOSITORY_FULL'] as const)(
    'gives all its files without a lease, and says why there is none (%s)',
    async (code) => {
      const world = await storeWorld();
      const target = folder();
      const refused = () => Promise.reject(new BackupError(code, 'it takes no write'));
      const calls = ['makeFolder', 'openWrite', 'rename', 'removeFile'] as const;
      for (const call of calls) Object.assign(world.target, { [call]: refused });
      const { result, notes } = await world.restore(target, 's24');
      expect([result, notes.filter((note) => note.includes('it takes no write')).length]).toEqual([
        ...['success', 1],
      ]);
      expect(digests(await filesBelow(target, ''))).toEqual(digests(world.files));
    },
  );

  it('does not take storage that is away for it', async () => {
    const world = await storeWorld();
    const away = () => Promise.reject(new BackupError('REPOSITORY_UNREACHABLE', 'it is away'));
    Object.assign(world.target, { openWrite: away });
    expect(await world.restore(folder(), 's24')).toMatchObject({
      ...{ result: 'failed', code: 'REPOSITORY_UNREACHABLE' },
    });
  });
});
