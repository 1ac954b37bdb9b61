import type { Client } from '@temporalio/client';
import { expect, it } from 'vitest';
import { readiness } from '../../../src/api/readiness.js';
import type { RepositoryBrowser } from '../../../src/api/repository-browser.js';
import { parseConfig } from '../../../src/config/load-config.js';
import { UNREACHABLE, type RepositoryDescription } from '../../../src/domain/repository-view.js';

const NOW_MS = 1_000_000;
const { repositories } = parseConfig(
  'repositories: [{ id: primary, path: /backups, role: primary }, { id: offsite, path: /mnt, role: target }]',
  { name: 'test', folder: '/etc', environment: {} },
);
/** Every queue has a worker that reported just now. */
const client = {
  options: { namespace: 'default' },
  withDeadline: (_deadline: number, call: () => unknown) => call(),
  workflowService: {
    listWorkers: async () => ({
      workersInfo: [{ workerHeartbeat: { heartbeatTime: { seconds: NOW_MS / 1_000 } } }],
    }),
  },
} as unknown as Client;

function ready(description: RepositoryDescription | null) {
  const browser = { describeSeenWithin: async () => description } as unknown as RepositoryBrowser;
  return readiness(client, browser, repositories, NOW_MS);
}

const FIT = { probedAt: '2026-11-26T00:00:00Z', abilities: null, faults: [], warnings: [] };
const REACHABLE = { reachable: true, reason: null, totalBytes: 1, freeBytes: 1 };

it('is ready when every target is fit', async () => {
  expect(await ready({ ...REACHABLE, storage: FIT })).toEqual({
    ready: true,
    missing: [],
    warnings: [],
  });
});

it('is not ready when the storage of a target is not fit, and says why', async () => {
  const storage = { ...FIT, faults: ['Folders cannot be synced.'] };
  expect(await ready({ ...REACHABLE, storage })).toEqual({
    ready: false,
    missing: ['repository offsite: Folders cannot be synced.'],
    warnings: [],
  });
});

it('is ready with a warning when a target is away', async () => {
  expect(await ready({ ...UNREACHABLE, reason: 'is it mounted?' })).toEqual({
    ready: true,
    missing: [],
    warnings: ['repository offsite: is it mounted?'],
  });
});
