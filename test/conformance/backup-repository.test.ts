import { execFileSync } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { openDirectoryRepository } from '../../src/repository/directory/directory-repository.js';
import { readingOf } from '../../src/repository/plain-functions.js';
import { SimulatedObjectStore } from '../support/repository/simulated-object-store.js';
import { SimulatedRepository } from '../support/repository/simulated-repository.js';
import { RepositoryThread } from '../support/repository/threaded-repository.js';
import { describeBackupRepository } from './backup-repository.js';
import { describeFence } from './fence.js';
import { describeDirectoryRepository, type OpenDirectory } from './directory-repository.js';
import { describeSource } from './source.js';
import { describeStorageVerbs } from './storage-verbs.js';

const STAMPS_PROVE = { stampsProve: true };

const thread = new RepositoryThread();
afterAll(() => thread.stop());

const PLACES: readonly (readonly [string, OpenDirectory])[] = [
  ['folder, main thread', openDirectoryRepository],
  ['folder, worker thread', (options) => thread.open(options)],
];

for (const [name, open] of PLACES) {
  const make = async () => {
    const rootPath = await mkdtemp(join(tmpdir(), 'longhaul-repository-'));
    const repository = await open({ id: 'tested', rootPath, readOnly: false });
    // Node's own `rm` cannot remove paths longer than PATH_MAX.
    const dispose = async () => void execFileSync('rm', ['-r', rootPath]);
    return { repository, dispose };
  };
  describeBackupRepository(name, make, STAMPS_PROVE);
  describeStorageVerbs(name, make);
  describeFence(name, make);
  describeDirectoryRepository(name, open);
}

describeBackupRepository(
  'folder, for one piece of work',
  async () => {
    const rootPath = await mkdtemp(join(tmpdir(), 'longhaul-repository-'));
    const opened = await openDirectoryRepository({ id: 'tested', rootPath, readOnly: false });
    const repository = opened.keepingFolders();
    const dispose = async () => {
      await repository.close();
      execFileSync('rm', ['-r', rootPath]);
    };
    return { repository, dispose };
  },
  STAMPS_PROVE,
);

describeBackupRepository(
  'simulated',
  async () => ({ repository: new SimulatedRepository('tested'), dispose: async () => undefined }),
  STAMPS_PROVE,
);

describeStorageVerbs('simulated', async () => ({
  repository: new SimulatedRepository('tested'),
  dispose: async () => undefined,
}));

describeStorageVerbs('behind a fence', async () => ({
  repository: new SimulatedRepository('tested').fenced(() => undefined),
  dispose: async () => undefined,
}));

describeStorageVerbs('simulated object store', async () => ({
  repository: new SimulatedObjectStore('tested'),
  dispose: async () => undefined,
}));

describeStorageVerbs('object store behind a fence', async () => ({
  repository: new SimulatedObjectStore('tested').fenced(() => undefined),
  dispose: async () => undefined,
}));

describeFence('simulated', async () => ({
  repository: new SimulatedRepository('tested'),
  dispose: async () => undefined,
}));

describeFence('simulated object store', async () => {
  const repository = new SimulatedObjectStore('tested');
  const changes = () => repository.operations.length;
  return { repository, changes, dispose: async () => undefined };
});

describeSource('folder that is only read', async () => {
  const rootPath = await mkdtemp(join(tmpdir(), 'longhaul-repository-'));
  const open = (readOnly: boolean) => openDirectoryRepository({ id: 'tested', rootPath, readOnly });
  const dispose = async () => void execFileSync('rm', ['-r', rootPath]);
  return { source: await open(true), target: await open(false), dispose };
});

for (const Fake of [SimulatedRepository, SimulatedObjectStore])
  describeSource(Fake.name, async () => {
    const target = new Fake('tested');
    return { source: readingOf(target), target, dispose: async () => undefined };
  });
