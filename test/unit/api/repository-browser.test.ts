import { ServiceError, type Client } from '@temporalio/client';
import { expect, it } from 'vitest';
import { RepositoryBrowser } from '../../../src/api/repository-browser.js';
import { UNREACHABLE } from '../../../src/domain/repository-view.js';

const timedOut = new ServiceError('Failed to start workflow', {
  cause: Object.assign(new Error('deadline exceeded'), { code: 4, details: '', metadata: {} }),
});

function browserThatMeets(error: Error): RepositoryBrowser {
  const client = { workflow: { execute: async () => Promise.reject(error) } };
  return new RepositoryBrowser(client as unknown as Client, () => 0);
}

it('describes a repository that cannot be asked for, so that a list has the others', async () => {
  expect(await browserThatMeets(timedOut).describe('offsite')).toEqual({
    ...UNREACHABLE,
    reason: 'Temporal did not answer in time',
  });
});

it('fails when it was to change something', async () => {
  await expect(browserThatMeets(timedOut).describe('offsite', 'accept')).rejects.toBe(timedOut);
});

it('hides no bug', async () => {
  const bug = new TypeError('undefined is not a function');
  await expect(browserThatMeets(bug).describe('offsite')).rejects.toBe(bug);
});
