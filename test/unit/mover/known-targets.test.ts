import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import {
  MARKER_PATH,
  markRepository,
  readMarker,
} from '../../../src/repository/repository-marker.js';
import { BackupError } from '../../../src/domain/errors.js';
import { KnownTargets } from '../../../src/mover/known-targets.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { asTarget, RepositoryOpener } from '../../../src/repository/open-repository.js';
import { seenMarkers } from '../../../src/repository/seen-markers.js';
import { breakSectors } from '../../support/repository/bad-sectors.js';
import { directory } from '../../support/repository/directory-storage.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

let site: string;
beforeEach(() => {
  site = mkdtempSync(join(tmpdir(), 'longhaul-known-'));
  for (const folder of ['offsite', 'state', 'other-state']) mkdirSync(at(folder));
});
afterEach(() => rmSync(site, { recursive: true }));

const at = (...parts: string[]) => join(site, ...parts);

/** A process of its own. */
function processWith(state: string | null): KnownTargets {
  const location = { id: 'offsite', storage: directory(at('offsite')) };
  return new KnownTargets(
    [{ ...location, isReadOnly: false }],
    seenMarkers(state === null ? null : at(state)),
  );
}

/** A target that processes with these states have seen; then its share goes away. @returns its id */
async function targetThatGoesAway(...states: string[]): Promise<string> {
  const id = await mark();
  for (const state of states) await processWith(state).open('offsite');
  renameSync(at('offsite'), at('share'));
  mkdirSync(at('offsite'));
  return id;
}

async function mark(): Promise<string> {
  const rootPath = at('offsite');
  return markRepository(await openDirectoryRepository({ id: 'new', rootPath, readOnly: false }));
}

function mountAgain(): void {
  rmSync(at('offsite'), { recursive: true });
  renameSync(at('share'), at('offsite'));
}

it('refuses an empty folder in the place of a target, also after a restart, until the share is back', async () => {
  const running = processWith('state');
  await running.open('offsite');
  await targetThatGoesAway('state');

  for (const process of [running, processWith('state')])
    await expect(process.open('offsite')).rejects.toMatchObject({
      code: 'REPOSITORY_NOT_MOUNTED',
      kind: 'unavailable',
      message: expect.stringContaining(at('offsite')),
    });
  expect(readdirSync(at('offsite'))).toEqual([]);

  mountAgain();
  expect((await running.open('offsite')).source.id).toBe('offsite');
  expect((await processWith('state').open('offsite')).source.id).toBe('offsite');
});

it('refuses a folder that holds other things and no marker', async () => {
  await targetThatGoesAway('state');
  mkdirSync(at('offsite', 'lost+found'));

  await expect(processWith('state').open('offsite')).rejects.toMatchObject({
    code: 'REPOSITORY_NOT_MOUNTED',
  });
});

it('refuses another target, and names both', async () => {
  const id = await targetThatGoesAway('state');
  const other = await mark();

  const message = expect.stringMatching(`${other}.*${id}`);
  await expect(processWith('state').open('offsite')).rejects.toMatchObject({
    code: 'REPOSITORY_EXCHANGED',
    kind: 'conflict',
    message,
  });
});

it('takes any target that it meets first, and one without a marker', async () => {
  expect((await processWith('state').open('offsite')).source.id).toBe('offsite');
  await mark();
  expect((await processWith('state').open('offsite')).source.id).toBe('offsite');
});

it.each(['empty folder', 'other target'])(
  'takes an accepted one (%s) in every process, whatever that remembers, and the old one again',
  async (what) => {
    const old = await targetThatGoesAway('state', 'other-state');
    if (what === 'other target') await mark();
    const asked = processWith('state');

    await asked.accept('offsite');

    for (const process of [asked, processWith('state'), processWith('other-state')])
      expect((await process.open('offsite')).source.id).toBe('offsite');
    const marker = await readMarker((await asked.open('offsite')).source);
    expect(marker?.id).not.toBe(old);
    expect(marker?.replaces).toEqual([old]);

    renameSync(at('offsite'), at('new'));
    renameSync(at('share'), at('offsite'));
    expect((await processWith('other-state').open('offsite')).source.id).toBe('offsite');
    rmSync(at('offsite'), { recursive: true });
    mkdirSync(at('offsite'));
    await expect(processWith('other-state').open('offsite')).rejects.toMatchObject({
      code: 'REPOSITORY_NOT_MOUNTED',
    });
  },
);

it('changes nothing when it is asked to accept what it knows, or what it meets first', async () => {
  await processWith('state').accept('offsite');
  expect(readdirSync(at('offsite'))).toEqual([]);
  const id = await mark();
  await processWith('state').open('offsite');
  await processWith('state').accept('offsite');
  expect(await readMarker((await processWith('state').open('offsite')).source)).toEqual({ id });
});

it.each(['is gone', 'is a file', 'was never there'])(
  'opens targets when its state directory %s, and makes none',
  async (what) => {
    await targetThatGoesAway('state');
    rmSync(at('state'), { recursive: true });
    if (what === 'is a file') writeFileSync(at('state'), '');
    const process = processWith(what === 'was never there' ? null : 'state');
    await mark();

    expect((await process.open('offsite')).source.id).toBe('offsite');
    expect(existsSync(at('state'))).toBe(what === 'is a file');

    // What could not be written is known to this process all the same.
    rmSync(at('offsite'), { recursive: true });
    mkdirSync(at('offsite'));
    await expect(process.open('offsite')).rejects.toMatchObject({ code: 'REPOSITORY_NOT_MOUNTED' });
  },
);

it('gives a copy of a target that is to be one of its own its own marker, which never stands for the first', async () => {
  const id = await mark();
  mkdirSync(at('second'));
  cpSync(at('offsite'), at('second'), { recursive: true });
  const locations = ['offsite', 'second'].map((name) => {
    const storage = directory(at(name));
    return { id: name, storage, isReadOnly: false };
  });
  const both = (state = 'state') => new KnownTargets(locations, seenMarkers(at(state)));
  const running = both();
  const markerOf = async (name: string) => readMarker((await running.open(name)).source);
  expect([await markerOf('offsite'), await markerOf('second')]).toEqual([{ id }, { id }]);

  for (const state of ['state', 'other-state']) await both(state).open('second');
  await running.accept('second');
  const own = await markerOf('second');
  const copyOf = [{ id, as: 'second' }];
  expect(own).toEqual({ id: expect.stringMatching(/^[\da-f-]{36}$/), copyOf });
  expect(own!.id).not.toBe(id);
  expect(await markerOf('offsite')).toEqual({ id });
  await running.accept('second');
  expect(await markerOf('second')).toEqual(own);
  for (const state of ['state', 'other-state']) {
    expect((await both(state).open('second')).source.id).toBe('second');
    expect(await both(state).accept('second')).toBeNull();
  }
  expect(await markerOf('second')).toEqual(own);

  rmSync(at('offsite'), { recursive: true });
  renameSync(at('second'), at('offsite'));
  await expect(both().open('offsite')).rejects.toMatchObject({ code: 'REPOSITORY_EXCHANGED' });
});

it('takes a copy that was put in the place of a target in every process that knew this', async () => {
  await mark();
  mkdirSync(at('second'));
  const locations = ['offsite', 'second'].map((name) => {
    const storage = directory(at(name));
    return { id: name, storage, isReadOnly: false };
  });
  const both = (state = 'state') => new KnownTargets(locations, seenMarkers(at(state)));
  await markRepository(asTarget(await both().open('second')));
  for (const state of ['state', 'other-state'])
    for (const { id } of locations) await both(state).open(id);

  rmSync(at('second'), { recursive: true });
  cpSync(at('offsite'), at('second'), { recursive: true });
  await both().accept('second');
  for (const state of ['state', 'other-state'])
    expect((await both(state).open('second')).source.id).toBe('second');
});

it('leaves one storage under two paths as it is when one of them is to be accepted, and says so', async () => {
  const id = await mark();
  symlinkSync(at('offsite'), at('second'));
  const both = targets('offsite', 'second');
  await both.open('second');
  await expect(both.accept('second')).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('the storage of repository "offsite"'),
  });
  expect(await readMarker((await both.open('offsite')).source)).toEqual({ id });
  expect(readdirSync(at('offsite', '.longhaul'))).toEqual(['repository.json']);
});

it('says that nothing was accepted where another target, which may have the same marker, is away', async () => {
  await mark();
  const both = targets('offsite', 'second');
  await both.open('offsite');
  expect(await both.accept('offsite')).toContain('cannot look at second');
});

it('never lets an accepted target stand for one that another repository still is', async () => {
  const id = await mark();
  await targets('offsite').open('offsite');
  renameSync(at('offsite'), at('second'));
  mkdirSync(at('offsite'));
  await mark();
  const both = targets('offsite', 'second');
  await both.accept('offsite');
  const marker = await readMarker((await both.open('offsite')).source);
  expect(marker?.replaces).toBeUndefined();
  expect(marker?.copyOf).toEqual([{ id, as: 'offsite' }]);
  expect((await targets('offsite', 'second').open('offsite')).source.id).toBe('offsite');
});

function targets(...names: string[]): KnownTargets {
  const locations = names.map((name) => ({
    ...{ id: name, storage: directory(at(name)), isReadOnly: false },
  }));
  return new KnownTargets(locations, seenMarkers(at('state')));
}

it.each([true, false])(
  'takes a target whose marker lies in a bad sector for one that is not mounted, until it is accepted (known: %s)',
  async (isKnown) => {
    const storage = new SimulatedRepository('offsite');
    const opened = vi
      .spyOn(RepositoryOpener.prototype, 'open')
      .mockResolvedValue({ source: storage, target: storage });
    try {
      const old = await markRepository(storage);
      if (isKnown) await processWith('state').open('offsite');
      breakSectors(storage, MARKER_PATH, [0]);
      if (isKnown)
        await expect(processWith('state').open('offsite')).rejects.toMatchObject({
          code: 'REPOSITORY_NOT_MOUNTED',
          message: expect.stringContaining('or its marker cannot be read'),
        });
      // Nobody but the operator writes it anew.
      else
        await expect(markRepository(storage)).rejects.toMatchObject({
          code: 'REPOSITORY_IO_ERROR',
        });

      storage.openRead = SimulatedRepository.prototype.openRead.bind(storage);
      breakUntilReplaced(storage);
      await processWith('state').accept('offsite');
      expect((await processWith('state').open('offsite')).source.id).toBe('offsite');
      const marker = (await readMarker(storage))!;
      expect(marker.id).not.toBe(old);
      expect(marker.replaces).toEqual(isKnown ? [old] : undefined);
    } finally {
      opened.mockRestore();
    }
  },
);

/** A file of that name that is put anew lies in other sectors. */
function breakUntilReplaced(storage: SimulatedRepository): void {
  const { openRead, rename } = storage;
  let isBroken = true;
  storage.openRead = async (path) => {
    const file = await openRead.call(storage, path);
    if (path !== MARKER_PATH || !isBroken) return file;
    const read = () => Promise.reject(new BackupError('REPOSITORY_IO_ERROR', 'EIO'));
    return { ...file, read };
  };
  storage.rename = async (from, to) => {
    await rename.call(storage, from, to);
    if (to === MARKER_PATH) isBroken = false;
  };
}
