import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  asTarget,
  RepositoryOpener,
  type VisitedRepository,
} from '../../../src/repository/open-repository.js';
import { directory } from '../../support/repository/directory-storage.js';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'longhaul-source-'))));
afterEach(() => rm(folder, { recursive: true }));

const openerOf = (isReadOnly: boolean) =>
  new RepositoryOpener([{ id: 'nas', storage: directory(folder), isReadOnly }]);

it.each(['open', 'visit'] as const)(
  'gives an external repository no way to write, and says so to whoever asks (%s)',
  async (way) => {
    const opened = await openerOf(true)[way]('nas');
    expect(opened.target).toBeNull();
    expect(() => asTarget(opened)).toThrow(
      expect.objectContaining({ code: 'REPOSITORY_READ_ONLY', details: { repositoryId: 'nas' } }),
    );
    // Compiled by `npm run types`, which fails when one of these is a member of the type.
    type Source = typeof opened.source;
    // @ts-expect-error it has no write
    type Put = Source['put'];
    // @ts-expect-error nor what opens a file of work
    type Work = Source['openWork'];
    // @ts-expect-error nor what removes
    type Remove = Source['remove'];
    expect([] satisfies Put[] satisfies Work[] satisfies Remove[]).toEqual([]);
    if ('close' in opened) await (opened as VisitedRepository).close();
  },
);

it('gives a target out as a source and as a target, which are one', async () => {
  const opened = await openerOf(false).open('nas');
  expect(opened.target).toBe(opened.source);
  await asTarget(opened).put('a/b.json', Buffer.from('{}'));
  expect(await opened.source.stat('a/b.json')).toMatchObject({ type: 'file' });
});
