import type { Request, Response } from 'express';
import { expect, it } from 'vitest';
import { fileBackupRoutes } from '../../../../src/api/file-backups/file-backup-routes.js';
import type { FileBackupJob } from '../../../../src/domain/jobs/file-backup-job.js';
import type { NamedLook } from '../../../../src/domain/sources/found-workload.js';
import { workloadTypes } from '../../../../src/layout/layouts.js';

const REQUEST = {
  ...{ id: 'shares', name: 'Shares', keepRemovedForDays: 14 },
  source: { repositoryId: 'primary', workload: 'main' },
  secondaryTargets: [{ repositoryId: 'offsite' }],
};

/** A new job, before any look at its source; one now finds this (null: nobody can look). @returns the job that was made */
async function create(look: NamedLook | null): Promise<FileBackupJob | null> {
  let made: FileBackupJob | null = null;
  const services = {
    repositories: [
      { id: 'primary', role: 'external' },
      { id: 'offsite', role: 'target' },
    ],
    ...{ primaryBackups: [], timeZone: 'UTC', seenWorkloads: () => null },
    workloadTypes: workloadTypes(),
    browser: { named: () => Promise.resolve(look) },
    fileBackups: {
      create: (job: FileBackupJob) => {
        made = job;
        return Promise.resolve(job);
      },
    },
  } as unknown as Parameters<typeof fileBackupRoutes>[0];
  const route = fileBackupRoutes(services).find(
    ({ operationId }) => operationId === 'createFileBackupJob',
  )!;
  const request = { params: {}, query: {}, body: REQUEST, get: () => undefined };
  const response = { locals: { caller: {} }, status: () => response, set: () => response };
  const answer = { ...response, json: () => undefined, status: () => answer, set: () => answer };
  await route.handle(request as unknown as Request, answer as unknown as Response);
  return made;
}

const found = (type: string): NamedLook => ({
  found: [{ id: `${type}:main`, name: 'main', type }],
  isWhole: true,
});

it('a file-backup job of a store of another kind is refused before anybody has looked', async () => {
  await expect(create(found('pgbackrest'))).rejects.toMatchObject({
    code: 'JOB_KIND_WRONG',
    details: { errors: [{ path: 'source.workload' }] },
  });
});

it.each<[string, NamedLook | null]>([
  ['a store of shares', found('restic')],
  ['what its first run is to make', { found: [], isWhole: true }],
  ['what nobody can look at', null],
])('a file-backup job of %s is made', async (_, look) => {
  expect(await create(look)).toMatchObject({ source: REQUEST.source });
});
