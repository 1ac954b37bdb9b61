import type { Client } from '@temporalio/client';
import { expect, it } from 'vitest';
import { readiness } from '../../../src/api/readiness.js';
import type { RepositoryBrowser } from '../../../src/api/repositories/repository-browser.js';
import { parseConfig } from '../../../src/config/load-config.js';
import { BackupError } from '../../../src/domain/errors.js';
import {
  UNREACHABLE,
  type RepositoryDescription,
} from '../../../src/domain/targets/repository-view.js';

const NOW_MS = 1_000_000;
const { repositories } = parseConfig(
  'repositories: [{ id: primary, path: /backups, role: primary }, { id: offsite, path: /mnt, role: target }]',
  { name: 'test', folder: '/etc', environment: {} },
);
/** Every queue has a worker that reported just now. */
const ANSWERS = {
  listSchedules: async () => ({}),
  listWorkflowExecutions: async () => ({}),
  listWorkers: async () => ({
    workersInfo: [{ workerHeartbeat: { heartbeatTime: { seconds: NOW_MS / 1_000 } } }],
  }),
};
const client = clientWith({});

function clientWith(calls: object): Client {
  return {
    options: { namespace: 'default' },
    withDeadline: (_deadline: number, call: () => unknown) => call(),
    workflowService: { ...ANSWERS, ...calls },
  } as unknown as Client;
}

function ready(description: RepositoryDescription | null) {
  const browser = { describeSeenWithin: async () => description } as unknown as RepositoryBrowser;
  return readiness(client, browser, repositories, NOW_MS);
}

const FIT = { probedAt: '2026-11-26T00:00:00Z', abilities: null, faults: [], warnings: [] };
const REACHABLE = {
  ...{ reachable: true, reason: null, totalBytes: 1, freeBytes: 1, markerId: null },
  growth: null,
};

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

it('warns of two targets with one marker at the first look', async () => {
  const two = parseConfig(
    'repositories: [{ id: one, path: /mnt/1, role: target }, { id: two, path: /mnt/2, role: target }]',
    { name: 'test', folder: '/etc', environment: {} },
  ).repositories;
  const seen = { ...REACHABLE, storage: FIT, markerId: '6f1c5e0a-6f0e-4c55-9a43-6d0a4f0e7b21' };
  const browser = { describeSeenWithin: async () => seen } as unknown as RepositoryBrowser;
  const { ready: isReady, warnings } = await readiness(client, browser, two, NOW_MS);
  expect([isReady, warnings.map((warning) => warning.split(',')[0])]).toEqual([
    true,
    [
      'repository one: It has the marker of target two',
      'repository two: It has the marker of target one',
    ],
  ]);
});

it.each(['listSchedules', 'listWorkflowExecutions'])(
  'is not ready while Temporal fails %s, which the API lives on',
  async (call) => {
    const away = Object.assign(new Error('no database'), { code: 14, details: '', metadata: {} });
    const failing = clientWith({ [call]: async () => Promise.reject(away) });
    const browser = { describeSeenWithin: async () => null } as unknown as RepositoryBrowser;

    expect(await readiness(failing, browser, repositories, NOW_MS)).toEqual({
      ready: false,
      missing: ['Temporal does not answer: Temporal did not answer in time'],
      warnings: [],
    });
  },
);

it('is not ready without its state directory', async () => {
  const browser = { describeSeenWithin: async () => null } as unknown as RepositoryBrowser;
  const lost = new BackupError('STATE_DIRECTORY_LOST', 'The state directory is gone.');

  expect(await readiness(client, browser, repositories, NOW_MS, async () => lost)).toEqual({
    ready: false,
    missing: ['The state directory is gone.'],
    warnings: [],
  });
});
