// First: the row stands in the list before anything reads it.
import '../../support/repository/memory-kind.js';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { repositoryViewSchema } from '../../../src/api/repositories/repository-schemas.js';
import { locationOf } from '../../../src/bin/workers.js';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { parseConfig } from '../../../src/config/load-config.js';
import { folderOf, ownSettings, placeOf } from '../../../src/config/repository-storage.js';
import { renderSettingsTable } from '../../../src/config/settings.js';
import { StorageProbes } from '../../../src/repository/storage-probes.js';
import { asTarget, RepositoryOpener } from '../../../src/repository/open-repository.js';
import { renderKindTable } from '../../../src/repository/kinds.js';
import { makeSourceChain } from '../../support/kill-table/source-chain.js';
import { readShownPoints } from '../../support/kill-table/read-points.js';
import { jobOf } from '../../support/kill-table/scenarios.js';
import { TWO_DAYS } from '../../support/kill-table/source-days.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const NOW_MS = Date.parse('2026-11-25T00:00:00Z');

/** CONTRIBUTING.md, How to add: a storage kind. The row of `memory-kind.ts` is all that knows this one. */
function config(offsite: object, environment: Readonly<Record<string, string>> = {}) {
  const repositories = [{ id: 'primary', path: 'backups', role: 'primary' }, offsite];
  const text = JSON.stringify({ repositories });
  return parseConfig(text, { name: 'test.yaml', folder: '/etc/longhaul', environment });
}

const OFFSITE = { id: 'offsite', kind: 'memory', bucket: 'vault', role: 'target' };

it('takes the settings of a kind from its row, of the file and of the environment', () => {
  const [primary, offsite] = config(OFFSITE, {
    LONGHAUL_REPOSITORIES_OFFSITE_REGION: 'far',
  }).repositories;
  expect(primary).toMatchObject({ kind: 'directory', path: '/etc/longhaul/backups' });
  expect(offsite).toMatchObject({ kind: 'memory', bucket: 'vault', region: 'far', taskLimit: 4 });
  expect(offsite).not.toHaveProperty('path');
  expect(placeOf(offsite!)).toBe('memory:far/vault');
  expect(folderOf(offsite!)).toBeNull();
  expect(ownSettings(offsite!)).toEqual({ bucket: 'vault', region: 'far' });
});

it.each([
  ['a setting of another kind', { ...OFFSITE, path: '/mnt' }, /repositories\[1\]\.path: not a set/],
  ['a value that its row refuses', { ...OFFSITE, bucket: 'V1' }, /\[1\]\.bucket.*lower-case lett/],
  ['a setting that is missing', { ...OFFSITE, bucket: undefined }, /\[1\]\.bucket: missing/],
  ['a kind that no row has', { ...OFFSITE, kind: 'tape' }, /\[1\]\.kind.*`directory`, `memory`/],
])('names %s, where it stands and what is allowed', (_, offsite, fault) => {
  expect(() => config(offsite)).toThrow(fault);
});

it('refuses two repositories in one place', () => {
  const repositories = [OFFSITE, { ...OFFSITE, id: 'second' }];
  const where = { name: 'test.yaml', folder: '/etc', environment: {} };
  expect(() => parseConfig(JSON.stringify({ repositories }), where)).toThrow(
    /repositories\[1\]\.bucket: memory:near\/vault is the same as the place of repository offsite/,
  );
});

it('shows in the tables of docs/OPERATIONS.md and in the shape of the API', () => {
  expect(renderSettingsTable()).toContain('| `repositories[].bucket` |');
  expect(renderKindTable()).toContain(
    '| `memory` | Objects in the memory of one process. | It has no update in place, so nothing is merged there. |',
  );
  const shape = JSON.stringify(z.toJSONSchema(repositoryViewSchema));
  expect(shape).toContain('"kind":{"type":"string","enum":["directory","memory"]}');
  expect(shape).toContain('MemorySettings');
});

it('gives a source that has no verb that writes, and reads what is written to the target', async () => {
  const [, offsite] = config({ ...OFFSITE, bucket: 'both' }).repositories;
  const [, external] = config({ ...OFFSITE, bucket: 'both', role: 'external' }).repositories;
  const opened = (repository: typeof offsite) =>
    new RepositoryOpener([locationOf(repository!)]).open('offsite');
  const target = asTarget(await opened(offsite));
  await target.put('a', Buffer.from('bytes'));
  const access = await opened(external);
  expect(access.target).toBeNull();
  const { source } = access;
  expect(Object.keys(source).sort()).toEqual([
    ...['capabilities', 'capacity', 'entries', 'id', 'keepingFolders', 'limits', 'list'],
    ...['openRead', 'openReadPastCache', 'stat'],
  ]);
  const bytes = Buffer.alloc(5);
  await (await source.openRead('a')).read(bytes, 0);
  expect(bytes.toString()).toBe('bytes');
});

it('is opened by its row and copied to by a session, and every byte is read back', async () => {
  const [, offsite] = config(OFFSITE).repositories;
  const locations = [locationOf(offsite!)];
  const opener = new RepositoryOpener(locations);
  const target = asTarget(await opener.open('offsite'));
  const source = makeSourceChain(TWO_DAYS);
  await new LocalSessions([source.repository, target]).copy(jobOf(), NOW_MS);

  const visited = await new RepositoryOpener(locations).visit('offsite');
  const folder = chainFolder(jobOf().id, 'ovirt-mail01');
  const { shown, faults } = await readShownPoints(asTarget(visited), {
    ...source,
    ...{ format: 'qcow2', chain: folder, corrupt: [] },
  });
  await visited.close();
  expect(faults).toEqual([]);
  expect(shown).toHaveLength(2);
  expect(
    await new StorageProbes(locations, async (id) => asTarget(await opener.open(id))).of(
      'offsite',
      true,
    ),
  ).toEqual(expect.objectContaining({ faults: [], abilities: null }));
});
