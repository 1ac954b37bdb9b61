import { describe, expect, it } from 'vitest';
import type { RepositoryBrowser } from '../../../../src/api/repositories/repository-browser.js';
import { storedWorkload } from '../../../../src/api/copies/stored-workload.js';

type Found = Pick<RepositoryBrowser, 'workloads'>;

const ROWS = [
  ['nightly', 'id-1', 'web01'],
  ['other', 'id-3', 'web01'],
  ['nightly', 'id-2', 'web01'],
  ['nightly', 'id-4', 'db01'],
] as const;

/** One workload on each page. */
const target = {
  workloads: (_repositoryId: string, cursor = '0') => {
    const at = Number(cursor);
    const [jobId, id, name] = ROWS[at]!;
    const next = at + 1 < ROWS.length ? { nextCursor: String(at + 1) } : {};
    return Promise.resolve({ items: [{ jobId, id, name, type: 'libvirt-kvm' }], ...next });
  },
} as unknown as Found;

const find = (named: string) => storedWorkload(target, 'offsite', { jobId: 'nightly', named });

describe('copies that an order names', () => {
  it('are refused by a name that two of the job have, with the ids of both', async () => {
    await expect(find('web01')).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
      message: '2 workloads are named web01: say which by its id (id-1, id-2)',
    });
  });

  it.each([
    ['id-2', 'id-2'],
    ['db01', 'id-4'],
  ])('are found by %s', async (named, id) => {
    expect(await find(named)).toMatchObject({ workload: { id }, isStopped: false });
  });

  it('are missing when only another job has them', async () => {
    await expect(find('id-3')).rejects.toMatchObject({ code: 'WORKLOAD_MISSING' });
  });
});
