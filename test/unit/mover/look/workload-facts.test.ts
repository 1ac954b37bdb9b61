import { writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { FORGETFUL } from '../../../../src/layout/file-facts.js';
import { listWorkloadFacts } from '../../../../src/mover/look/workload-facts.js';
import { TaskControl } from '../../../../src/mover/task/task-control.js';
import { copyToRepository } from '../../../support/layout/repository-copy.js';

it('tells of what lies beside the workloads and is not copied, once', async () => {
  const { repository, at } = await copyToRepository('ovirt');
  for (const end of ['.qcow2', '.bak'])
    await writeFile(
      Buffer.concat([Buffer.from(`${at('')}/`), Buffer.of(0xff), Buffer.from(end)]),
      'x',
    );
  await writeFile(at('backup_manifest'), 'x');
  const context = {
    repository: () => Promise.resolve(repository),
    source: () => Promise.resolve(repository),
    control: new TaskControl(),
    facts: FORGETFUL,
  };
  const input = { repositoryId: 'primary', what: 'facts', nowMs: Date.now(), settleMs: 0 } as const;
  const { items, uncopied } = await listWorkloadFacts(context, input);
  expect(items.map(({ name }) => name)).toContain('mail01');
  // A machine without an OVF file goes by its folder, or by that and its first disk when another one lies there.
  expect(items.find(({ id }) => id === 'ovirt-dns01')).toMatchObject({
    otherIds: ['ovirt-dns01:05b7e4c1-93d2-4e68-a70f-4c1d8b2e9f44'],
  });
  expect(uncopied).toMatchObject({
    places: [
      { id: String.raw`\xff.qcow2`, fileCount: null },
      { id: 'unrecognised:.', name: '.', fileCount: 3, isBackup: true },
    ],
    omittedCount: 0,
  });
});
