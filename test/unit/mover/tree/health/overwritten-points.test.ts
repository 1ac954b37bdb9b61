import { describe, expect, it } from 'vitest';
import {
  overwrittenPoints,
  STOPPED_AFTER_MS,
} from '../../../../../src/mover/tree/health/overwritten-points.js';
import { withLostPoints } from '../../../../../src/mover/tree/health/lost-points.js';
import { BackupError } from '../../../../../src/domain/errors.js';
import { modifiedAtMs } from '../../../../../src/domain/file-stamp.js';
import { OneDump } from '../../../../support/tree/one-dump.js';

const FOLDER = 'store/dump/shop';
const COUNT = 3;
const LAST = 'c2.bson';
/** Each is a window of its own. */
const SMALL_BYTES = 5 * 1024 ** 2;
/** They get their names when all of them are copied. */
const LARGE_BYTES = 9 * 1024 ** 2;

const filesOf = (sizeBytes: number) => (day: string) =>
  Object.fromEntries([
    ...Array.from({ length: COUNT }, (_, i): [string, string] => [
      `${FOLDER}/c${i}.bson`,
      `of ${day} ${i}`.padEnd(sizeBytes),
    ]),
    [`${FOLDER}/c0.metadata.json`, 'the same each day'],
  ]);

/** Monday's dump was copied, and Tuesday's lies under its names. */
async function dumped(sizeBytes = SMALL_BYTES): Promise<OneDump> {
  const dump = await OneDump.of(filesOf(sizeBytes));
  await dump.write('monday');
  expect((await dump.session()).result).toBe('success');
  await dump.write('tuesday');
  return dump;
}

/** The session of Tuesday, which dies at the first file of this ending that it opens, or looks at once more. */
async function stopped(
  dump: OneDump,
  ending: string,
  verb: 'openRead' | 'stat' = 'openRead',
): Promise<void> {
  const { repository } = dump.source;
  const openRead = repository.openRead.bind(repository);
  const stat = repository.stat.bind(repository);
  const dies = (path: string, at: typeof verb) => at === verb && path.endsWith(ending);
  const killed = () => Promise.reject(new Error('killed'));
  repository.openRead = (path) => (dies(path, 'openRead') ? killed() : openRead(path));
  repository.stat = (path) => (dies(path, 'stat') ? killed() : stat(path));
  await dump.session().catch(() => undefined);
  repository.openRead = openRead;
  repository.stat = stat;
}

async function ofTuesday(dump: OneDump): Promise<number> {
  const files = [...(await dump.copied()).values()];
  return files.filter((bytes) => bytes.includes('tuesday')).length;
}

async function seen(dump: OneDump, nowMs: number) {
  const look = { compares: true, nowMs };
  const { record, isWhole } = await withLostPoints(
    dump.target,
    dump.tree,
    await dump.record(),
    look,
  );
  return { isWhole, healths: record.points.map(({ health }) => health) };
}

/** When the run noted its last window, by the clock of the target. */
async function notedAtMs(dump: OneDump): Promise<number> {
  const journals = (await dump.target.list(`${dump.tree}/.staging`)).filter(({ name }) =>
    name.endsWith('.journal'),
  );
  return Math.max(...journals.map(({ stamp }) => modifiedAtMs(stamp)));
}

describe('a backup that a stopped run has written over', () => {
  it.each([
    ['small', SMALL_BYTES, 'openRead'],
    ['large', LARGE_BYTES, 'stat'],
  ] as const)(
    'is none that can be restored, when nothing was noted for an hour: %s files',
    async (_, sizeBytes, verb) => {
      const dump = await dumped(sizeBytes);
      await stopped(dump, LAST, verb);
      expect(await ofTuesday(dump)).toBeGreaterThan(0);
      expect((await dump.record()).points.map(({ health }) => health)).toEqual(['good']);
      expect(await seen(dump, dump.nowMs)).toEqual({ isWhole: false, healths: ['corrupt'] });
    },
  );

  it('is not told as long as the run may be at work', async () => {
    const dump = await dumped();
    await stopped(dump, LAST);
    const nowMs = (await notedAtMs(dump)) + STOPPED_AFTER_MS;
    expect((await seen(dump, nowMs - 1_000)).healths).toEqual(['good']);
    expect((await seen(dump, nowMs + 1_000)).healths).toEqual(['corrupt']);
  });

  it('is what it was while nothing of it was written over', async () => {
    const dump = await dumped();
    await stopped(dump, 'c0.bson');
    expect(await ofTuesday(dump)).toBe(0);
    expect(await seen(dump, dump.nowMs)).toEqual({ isWhole: true, healths: ['good'] });
  });

  it('is what it was when the same content was written again', async () => {
    const dump = await dumped();
    await dump.write('monday');
    await stopped(dump, LAST);
    expect(await seen(dump, dump.nowMs)).toEqual({ isWhole: true, healths: ['good'] });
  });

  it('is not looked for in a plan whose files no point has for itself, as those of a store', async () => {
    const dump = await dumped();
    await stopped(dump, LAST);
    const record = await dump.record();
    const read: string[] = [];
    const openRead = dump.target.openRead.bind(dump.target);
    dump.target.openRead = (path) => (read.push(path), openRead(path));
    const points = record.points.map((point) => ({ ...point, files: null }));
    const ofStore = { ...record, points };
    expect((await overwrittenPoints(dump.target, dump.tree, ofStore, dump.nowMs)).points).toEqual(
      [],
    );
    expect(read).toEqual([]);
    expect(
      (await overwrittenPoints(dump.target, dump.tree, record, dump.nowMs)).points,
    ).toHaveLength(1);
  });

  it('is gone from the record when the source goes away before it is looked at again', async () => {
    const dump = await dumped();
    const { repository } = dump.source;
    const openRead = repository.openRead.bind(repository);
    const away = new BackupError('REPOSITORY_UNREACHABLE', 'the source is away');
    repository.openRead = (path) => {
      if (!path.endsWith(LAST)) return openRead(path);
      repository.stat = () => Promise.reject(away);
      repository.list = () => Promise.reject(away);
      repository.openRead = () => Promise.reject(away);
      repository.entries = () => {
        throw away;
      };
      return Promise.reject(new BackupError('FILE_MISSING', 'it was removed'));
    };
    expect(await dump.session()).toMatchObject({ result: 'failed' });
    expect(await ofTuesday(dump)).toBeGreaterThan(0);
    const { points, untold } = await dump.record();
    expect(points).toEqual([]);
    expect(untold?.join()).toContain('the source has written another backup over its files');
  });

  it('is gone from the record when the next session begins', async () => {
    const dump = await dumped();
    await stopped(dump, LAST);
    expect((await dump.session()).result).not.toBe('failed');
    expect(await seen(dump, dump.nowMs)).toEqual({ isWhole: true, healths: ['good'] });
    expect(await ofTuesday(dump)).toBe(COUNT);
  });
});
