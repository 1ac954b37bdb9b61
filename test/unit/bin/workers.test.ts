import { expect, it } from 'vitest';
import { workersOf } from '../../../src/bin/workers.js';
import { TestSite } from '../../support/session/test-site.js';

/** What a Temporal server keeps of a namespace by itself (`frontend.namespaceCount`). */
const POLLS_OF_A_NAMESPACE = 1_200;

it('hold so few polls that 190 repositories fit into a server as it comes', async () => {
  const site = await TestSite.create(null);
  const [repository] = site.repositories;
  const workers = workersOf(repository!, {});
  await site.remove();

  const polls = workers.map((worker) => worker.maxConcurrentActivityTaskPolls ?? 10);
  expect(190 * polls.reduce((sum, each) => sum + each)).toBeLessThanOrEqual(POLLS_OF_A_NAMESPACE);
});
