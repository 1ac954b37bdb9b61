import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  isMarkerUnread,
  markAnew,
  markAsReplacement,
  markRepository,
  readMarker,
} from '../../../src/repository/repository-marker.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { breakSectors } from '../../support/repository/bad-sectors.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

/** RFC 9562, versions 4 and 8. */
const UUID = /^[\da-f]{8}-[\da-f]{4}-[48][\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

let rootPath: string;
beforeEach(() => {
  rootPath = mkdtempSync(join(tmpdir(), 'longhaul-marker-'));
});
afterEach(() => rmSync(rootPath, { recursive: true }));

const open = () => openDirectoryRepository({ id: 'offsite', rootPath, readOnly: false });
const markerFile = () => join(rootPath, '.longhaul', 'repository.json');

it('gives a target one random id, however many ask at once, and keeps it', async () => {
  const repository = await open();
  expect(await readMarker(repository)).toBeNull();

  const ids = await Promise.all(
    Array.from({ length: 8 }, async () => markRepository(await open())),
  );

  expect(new Set(ids).size).toBe(1);
  expect(ids[0]).toMatch(UUID);
  expect(JSON.parse(readFileSync(markerFile(), 'utf8'))).toEqual({ id: ids[0] });
  expect(await markRepository(repository)).toBe(ids[0]);
  expect(await readMarker(repository)).toEqual({ id: ids[0] });
  expect(readdirSync(join(rootPath, '.longhaul'))).toEqual(['repository.json']);
});

it.each(['', '{"id": "6f1c', '{"id": 7}', '{"id": "../elsewhere"}', 'null'])(
  'makes a marker anew that was left as %j',
  async (left) => {
    mkdirSync(join(rootPath, '.longhaul'));
    writeFileSync(markerFile(), left);

    const id = await markRepository(await open());

    expect(id).toMatch(UUID);
    expect(await readMarker(await open())).toEqual({ id });
  },
);

it.each(['', '{"id": "6f1c', 'much'])(
  'gives one id to all that make a marker anew at once that was left as %j',
  async (left) => {
    mkdirSync(join(rootPath, '.longhaul'));
    writeFileSync(markerFile(), left === 'much' ? 'x'.repeat(70_000) : left);

    const ids = await Promise.all(
      Array.from({ length: 8 }, async () => markRepository(await open())),
    );

    expect(new Set(ids).size).toBe(1);
    expect(await readMarker(await open())).toEqual({ id: ids[0] });
    expect(readdirSync(join(rootPath, '.longhaul'))).toEqual(['repository.json']);
  },
);

it('gives the same id to whoever finds the damage later', async () => {
  mkdirSync(join(rootPath, '.longhaul'));
  writeFileSync(markerFile(), '');
  const repository = await open();
  let isFirst = true;
  const late = {
    ...bound(repository),
    async rename(from: string, to: string): Promise<void> {
      // It stands still between its last look and the rename, while another one is done and is believed.
      if (isFirst) other = await markRepository(await open());
      isFirst = false;
      await repository.rename(from, to);
    },
  };
  let other: string | null = null;

  expect(await markRepository(late)).toBe(other);
  expect(await readMarker(repository)).toEqual({ id: other });
});

it('makes a marker durable that somebody else has written, before it is relied upon', async () => {
  const repository = await open();
  await markRepository(repository);
  const synced: string[] = [];
  const watching = {
    ...bound(repository),
    async openWrite(...args: Parameters<typeof repository.openWrite>) {
      const file = await repository.openWrite(...args);
      const sync = async () => {
        synced.push(args[0]);
        await file.sync();
      };
      return Object.assign(Object.create(file) as typeof file, {
        sync,
        close: () => file.close(),
      });
    },
    async syncFolder(folder: string) {
      synced.push(folder);
      await repository.syncFolder(folder);
    },
  };

  await markRepository(watching);

  expect(synced).toEqual(expect.arrayContaining(['.longhaul/repository.json', '.longhaul', '']));
});

it('keeps what several say at once that the target stands in the place of', async () => {
  const replaced = ['1', '2', '3', '4'].map(
    (digit) => `${digit.repeat(8)}-1111-4111-8111-111111111111`,
  );
  await markRepository(await open());

  const markers = await Promise.allSettled(
    Array.from({ length: 4 }, async () => markAsReplacement(await open(), replaced, [])),
  );

  expect(markers.map(({ status }) => status)).toEqual(Array(4).fill('fulfilled'));
  expect((await readMarker(await open()))?.replaces).toEqual(replaced);
});

function bound(repository: BackupRepository): BackupRepository {
  return repository.fenced(() => undefined);
}

it('remembers what a target stands in the place of, but for itself and what there is elsewhere', async () => {
  const repository = await open();
  const [a, b, c] = ['1', '2', '3'].map((n) => `00000000-0000-4000-8000-00000000000${n}`);
  const fresh = await markAsReplacement(repository, [], []);
  expect(fresh).toEqual({ id: expect.stringMatching(UUID) as string });
  const { id } = fresh;
  expect(await markAsReplacement(repository, [a!, id], [])).toEqual({ id, replaces: [a] });
  const copyOf = [{ id: c!, as: 'offsite' }];
  expect(await markAsReplacement(repository, [b!, c!], copyOf)).toEqual({
    ...{ id, replaces: [a, b], copyOf },
  });
  expect(await readMarker(repository)).toEqual({ id, replaces: [a, b], copyOf });
});

it('gives a copy of a target a marker of its own', async () => {
  const repository = await open();
  const copied = await markRepository(repository);
  const copyOf = { id: copied, as: 'offsite' };
  const alone = await markAnew(repository, copyOf, []);
  expect(alone).toEqual({ id: expect.stringMatching(UUID) as string, copyOf: [copyOf] });
  expect(alone.id).not.toBe(copied);
  const again = await markAnew(repository, copyOf, [alone.id]);
  expect(again).toEqual({ id: again.id, replaces: [alone.id], copyOf: [copyOf] });
  expect(await readMarker(repository)).toEqual(again);
});

it('says of a marker only where the storage cannot read it that it is unread', async () => {
  const repository = new SimulatedRepository('offsite');
  expect(await isMarkerUnread(repository)).toBe(false);
  await markRepository(repository);
  expect(await isMarkerUnread(repository)).toBe(false);
  breakSectors(repository, '.longhaul/repository.json', [0]);
  expect(await isMarkerUnread(repository)).toBe(true);
});
