import type { Request, Response } from 'express';
import { expect, it } from 'vitest';
import { simulationRoutes } from '../../../../src/api/previews/simulation-routes.js';
import { definitionOf } from '../../../support/living/session-over-api.js';
import { testJob } from '../../../support/session/test-site.js';

const PRESENT = testJob({});

/** Neither Temporal nor a target may be asked: nobody answers there. */
function simulate(change: Parameters<typeof testJob>[0]): Promise<void> {
  const repositories = [
    { id: 'primary', role: 'primary' },
    { id: 'offsite', role: 'target' },
    { id: 'second', role: 'target' },
  ];
  const [route] = simulationRoutes({
    repositories,
    jobs: { definition: () => Promise.resolve(PRESENT) },
    ...{ workloadTypes: [], seenWorkloads: () => [], now: () => 0 },
  } as unknown as Parameters<typeof simulationRoutes>[0]);
  const body = { definition: definitionOf(testJob(change)) };
  const request = { params: { id: PRESENT.id }, query: {}, body } as unknown as Request;
  return route!.handle(request, { locals: { caller: { scope: null } } } as unknown as Response);
}

it('a simulation of hours that no clock shows is refused before Temporal is asked', async () => {
  const schedule = { type: 'cron', expression: '99 99 * * *', timeZone: 'UTC' } as const;
  await expect(simulate({ schedule })).rejects.toMatchObject({ code: 'JOB_RULE_BROKEN' });
});

it('a simulation in another target is refused, because the job begins anew there', async () => {
  await expect(simulate({ target: { repositoryId: 'second' } })).rejects.toMatchObject({
    code: 'JOB_RULE_BROKEN',
    details: {
      errors: [
        {
          path: 'target.repositoryId',
          message:
            'what would stay is reckoned from the copies in offsite; in second the job begins anew',
        },
      ],
    },
  });
});
