import { describe, expect, it } from 'vitest';
import type { UnrecognisedFiles } from '../../../src/domain/unrecognised.js';
import { rawImageLayout } from '../../../src/layout/agent-images.js';
import { scanRepository } from '../../../src/layout/scan-repository.js';
import { scanWith } from '../../support/layout/scan-with.js';
import { shown, treeOf } from '../../support/layout/tree.js';

const WRITTEN = '2026-11-24T22:00:00.000Z';

describe('backups that are one file each', () => {
  it('are points of one workload where their names differ in a date, and else stand alone', async () => {
    const { repository } = await treeOf({
      'a/web01-2026-11-24.img': 1_024,
      'a/web01-2026-11-25.img': 1_024,
      'a/web01-2026-11-25.raw': 512,
      'a/db01.IMG': 512,
      'a/.img': 512,
    });
    expect(shown(await scanWith(rawImageLayout, repository))).toEqual([
      {
        ...{ id: 'raw-a:db01.img', name: 'db01.img', type: 'raw-image' },
        points: [['undated', WRITTEN, 'complete', 'image raw a/db01.IMG']],
      },
      {
        ...{ id: 'raw-a:web01.img', name: 'web01.img', type: 'raw-image' },
        points: [
          [
            ...['2026-11-24', '2026-11-24T00:00:00.000Z', 'complete'],
            'image raw a/web01-2026-11-24.img',
          ],
          [
            ...['2026-11-25', '2026-11-25T00:00:00.000Z', 'complete'],
            'image raw a/web01-2026-11-25.img',
          ],
        ],
      },
      {
        ...{ id: 'raw-a:web01.raw', name: 'web01.raw', type: 'raw-image' },
        points: [
          [
            ...['2026-11-25', '2026-11-25T00:00:00.000Z', 'complete'],
            'image raw a/web01-2026-11-25.raw',
          ],
        ],
      },
    ]);
  });

  it('keep ids of their own when one date is written in two ways', async () => {
    const { repository } = await treeOf({ 'web-2026-11-24.img': 512, 'web_2026-11-24.img': 512 });
    const [web] = await scanWith(rawImageLayout, repository);
    expect(web!.restorePoints.map(({ id }) => id)).toEqual([
      'web-2026-11-24.img',
      'web_2026-11-24.img',
    ]);
  });

  it('are taken by the first row that knows the name', async () => {
    const { repository } = await treeOf({
      'c/export-i-1234567890abcdef0.raw': 512,
      'c/vms-export-i-1234567890abcdef1.raw': 512,
      'c/export-x-1234567890abcdef0.raw': 512,
      'c/vda.raw': 512,
      'c/README': 'x',
    });
    const unrecognised: UnrecognisedFiles[] = [];
    const workloads = await scanRepository(repository, {
      onUnrecognised: (files) => unrecognised.push(files),
    });
    expect(workloads.map(({ id, type }) => [id, type])).toEqual([
      ['ec2-c:export-i-1234567890abcdef0.raw', 'amazon-ec2'],
      ['ec2-c:vms-export-i-1234567890abcdef1.raw', 'amazon-ec2'],
      ['raw-c:export-x-1234567890abcdef0.raw', 'raw-image'],
      ['raw-c:vda.raw', 'raw-image'],
    ]);
    expect(unrecognised).toEqual([{ folder: 'c', fileCount: 1, examples: ['README'] }]);
  });
});
