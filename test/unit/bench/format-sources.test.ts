import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FORMAT_SOURCES } from '../../../bench/format-sources.js';
import { makeSourceChains } from '../../../bench/source-chains.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';

/** The bench copies what other tools leave; a layout that asks for more than it makes would leave it nothing to measure. */
describe('a source of the bench', () => {
  let folder: string;
  let files: readonly [string, string];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longhaul-bench-'));
    const sizes = { diskMiB: 16, dataMiB: 4, changedPart: 0.1 };
    ({ files } = (await makeSourceChains(join(folder, 'sources'), sizes)).scattered);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Of which a full alone is copied. */
  const ONE_POINT = ['ova', 'vma'];

  for (const [format, make] of Object.entries(FORMAT_SOURCES))
    it(`in ${format} is one workload of complete restore points`, async () => {
      const root = join(folder, format);
      await mkdir(root);
      await make(root, files);

      const workloads = await listSourceWorkloads(
        await openDirectoryRepository({ id: 'bench', rootPath: root, readOnly: true }),
      );

      const states = workloads.map(({ restorePoints }) => restorePoints.map(({ state }) => state));
      expect(states).toEqual([
        ONE_POINT.includes(format) ? ['complete'] : ['complete', 'complete'],
      ]);
    });
});
