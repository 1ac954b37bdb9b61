import { beforeEach, describe, expect, it } from 'vitest';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import { GrowingSource } from '../../support/living/growing-source.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const DAY_MS = 86_400_000;
const FIRST_MS = Date.parse('2026-11-01T01:00:00Z');

/** Of the session alone, however many workloads it has. */
const OF_THE_SESSION = [
  'readCopySettings',
  'enumerateWorkloads',
  'recordSession',
  'startJobsAfter',
];

describe('activities for a workload', () => {
  let repositories: SimulatedRepository[];
  let machine: GrowingSource;
  beforeEach(async () => {
    repositories = [new SimulatedRepository('primary'), new SimulatedRepository('offsite')];
    machine = new GrowingSource(repositories[0]!, 'mail01', { blockCount: 4 });
    await machine.backUp(FIRST_MS, 'full');
    machine.work(1);
    await machine.backUp(FIRST_MS + DAY_MS, 'incremental');
  });

  /** Names of the activities of a session, in their order. */
  async function session(day: number, changes: Partial<CopyJob> = {}): Promise<string[]> {
    const names: string[] = [];
    const sessions = new LocalSessions(repositories, {
      beforeActivity: async (name) => {
        if (!OF_THE_SESSION.includes(name)) names.push(name);
      },
    });
    await sessions.copy(testJob({ restorePoints: 'all', ...changes }), FIRST_MS + day * DAY_MS);
    return names;
  }

  it('is one when nothing is new and nothing is due', async () => {
    await session(2);
    expect(await session(3)).toEqual(['lookForWork']);
  });

  it('is two looks and the copy where points are copied and nothing is due', async () => {
    const ofOnePoint = ['planCopy', 'copyBlocks', 'composeTargetFile', 'commitRestorePoint'];
    expect(await session(2)).toEqual(['lookForWork', ...ofOnePoint, ...ofOnePoint, 'lookForWork']);
  });

  it('is that of the plan and its steps besides when only retention is due', async () => {
    await session(2);
    const oneDay: Partial<CopyJob> = { retention: { type: 'restorePoints', value: 1 } };
    expect(await session(3, oneDay)).toEqual(['lookForWork', 'planMaintenance', 'mergeIncrement']);
  });

  it('is that of the plan besides when a copy was given up', async () => {
    await session(2);
    const [, target] = repositories;
    const folders = await target!.list('nightly');
    const chain = folders.find(({ name }) => name.startsWith('ovirt-'))!.path;
    const staging = `${chain}/.staging/2026-12-24T010000Z`;
    await target!.makeFolder(staging);
    await (await target!.openWrite(`${staging}/plan.json`, 'new')).close();

    expect(await session(3)).toEqual(['lookForWork', 'planMaintenance']);
    expect(await target!.stat(staging)).toBeNull();
    expect(await session(4)).toEqual(['lookForWork']);
  });
});
