import { describe, expect, it } from 'vitest';
import { askOrigin, type Origin } from '../../../../../src/mover/tree/health/right-files.js';
import { SimulatedRepository } from '../../../../support/repository/simulated-repository.js';
import { said } from '../../../../support/tree/storage-answers.js';

function origin(isRequired: boolean): Origin {
  return { at: (path) => ({ repository: new SimulatedRepository(), path }), isRequired };
}

describe('a place that may have the bytes of a file', () => {
  it.each([true, false])(
    'says nothing of it when this machine has no files or memory left (required: %s)',
    async (isRequired) => {
      for (const errno of ['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'])
        await expect(
          askOrigin(origin(isRequired), () => Promise.reject(said(errno, 'data/1'))),
        ).rejects.toMatchObject({ code: 'REPOSITORY_IO_ERROR', details: { errno } });
    },
  );

  it('has not the bytes when its storage cannot read them, or is away and not required', async () => {
    const ask = (isRequired: boolean, errno: string) =>
      askOrigin(origin(isRequired), () => Promise.reject(said(errno, 'data/1')));
    expect(await ask(true, 'EIO')).toBeNull();
    expect(await ask(false, 'ESTALE')).toBeNull();
    await expect(ask(true, 'ESTALE')).rejects.toMatchObject({ code: 'REPOSITORY_UNREACHABLE' });
  });
});
