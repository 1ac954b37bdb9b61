import { beforeEach, describe, expect, it } from 'vitest';
import { limitStore } from '../../../../src/api/limits/limit-store.js';
import { NO_LIMIT } from '../../../../src/domain/rate-limits.js';
import { MemoryApi } from '../../../support/api/memory-api.js';

const limitOf = (repositoryId: string, mib: number | null = 20) => ({
  ...{ ...NO_LIMIT, repositoryId },
  writeBytesPerSecond: mib === null ? null : mib * 1024 * 1024,
});

describe('limits, one of a repository that has left the configuration', () => {
  let api: MemoryApi;
  const set = (repositories: object[], ifMatch = '*') =>
    api.ask('setLimits', { body: { repositories }, ifMatch });
  beforeEach(async () => {
    api = new MemoryApi();
    // As they were kept before they had revisions.
    await limitStore(api.schedules.client(), 'UTC').write((none) => ({
      ...none,
      repositories: [limitOf('gone')],
    }));
  });

  it('are shown with it, changed beside it, and set without it', async () => {
    expect(await api.ask('getLimits')).toMatchObject({
      ...{ revision: 0, repositories: [limitOf('gone')] },
      now: { repositories: [{ repositoryId: 'gone' }] },
    });
    expect(await set([limitOf('gone'), limitOf('offsite')])).toMatchObject({
      ...{ revision: 1, repositories: [limitOf('gone'), limitOf('offsite')] },
    });
    expect(await set([limitOf('offsite')])).toMatchObject({ repositories: [limitOf('offsite')] });
    const fault = (at: number, id: string) => ({
      ...{ path: `repositories.${at}.repositoryId` },
      message: `no repository ${id} is configured`,
    });
    const again = {
      body: { repositories: ['offsite', 'gone', 'nowhere'].map((id) => limitOf(id)) },
    };
    expect(await api.refusal('setLimits', { ...again, ifMatch: '*' })).toMatchObject({
      ...{ status: 400, errors: [fault(1, 'gone'), fault(2, 'nowhere')] },
    });
  });

  it('are not written over when somebody else has set them meanwhile', async () => {
    await set([limitOf('offsite')], '"0"');
    const late = { body: { repositories: [limitOf('vault')] }, ifMatch: '"0"' };
    expect(await api.refusal('setLimits', late)).toMatchObject({
      ...{ status: 409, code: 'LIMITS_REVISION_STALE' },
      detail: 'the limits have revision 1, the change was made to 0',
    });
    expect(await api.refusal('setLimits', { body: {} })).toMatchObject({
      status: 400,
      errors: [
        {
          path: 'If-Match',
          message: 'required: the revision of the limits, for example "3", or *',
        },
      ],
    });
    expect(await api.ask('getLimits')).toMatchObject({
      ...{ revision: 1, repositories: [limitOf('offsite')] },
    });
  });
});
