import { beforeEach, describe, expect, it } from 'vitest';
import type { BackupRepository } from '../../src/repository/backup-repository.js';
import { readWholeFile } from '../../src/repository/replace-file.js';

const LOST = new Error('the right to write is lost');
const TOKEN = '0123456789abcdef0123456789abcdef';
const text = (content: string): Buffer => Buffer.from(content);

type Change = (repository: BackupRepository) => Promise<unknown>;

/** Whether a verb is more than one request where a file has one name and there are no folders. */
interface VerbThatChanges {
  readonly change: Change;
  readonly isMany?: true;
}

/** Each verb that changes storage, on what `prepare` has put there. */
const VERBS: Readonly<Record<string, VerbThatChanges>> = {
  put: { change: (it) => it.put('job/new', text('new')) },
  'put over what was expected': {
    change: async (it) =>
      it.put('job/one', text('new'), { expected: (await it.stat('job/one'))!.stamp }),
  },
  putNew: { change: (it) => it.putNew('job/new', text('new')) },
  putAll: {
    change: (it) => it.putAll([file('job/a'), file('job/b'), file('job/c')], 'job/desk', 'job'),
    isMany: true,
  },
  'a work file that is flushed': {
    change: (it) => work(it, (opened) => opened.flush()),
    isMany: true,
  },
  'a work file that is synced': {
    change: (it) => work(it, (opened) => opened.sync()),
    isMany: true,
  },
  publish: {
    change: (it) => it.publish([{ from: 'job/work', to: 'job/published' }], 'job'),
    isMany: true,
  },
  remove: { change: (it) => it.remove('job/one', 'job/two', 'job/three'), isMany: true },
  removeAll: { change: (it) => it.removeAll('job'), isMany: true },
  move: { change: (it) => it.move([{ from: 'job', to: 'other' }], ''), isMany: true },
  link: {
    change: async (it) => it.link?.call(it, [{ from: 'job/one', to: 'job/again' }], 'job'),
  },
  patch: { change: (it) => it.patch('job/one', 1, text('X')) },
  setFileTraits: {
    change: async (it) => it.setFileTraits?.('job/one', { modifiedAtNs: '1600000000000000000' }),
  },
  openUpdate: {
    change: async (it) => {
      const opened = await it.openUpdate?.call(it, 'job/one');
      await opened?.write(text('X'), 0);
      await opened?.close();
    },
  },
};

const file = (path: string) => ({ path, bytes: text('new') });

async function work(
  repository: BackupRepository,
  end: (opened: Awaited<ReturnType<BackupRepository['openWork']>>) => Promise<void>,
): Promise<void> {
  const opened = await repository.openWork('job/begun', TOKEN);
  try {
    await opened.write(text('one'), 0);
    await opened.write(text('two'), 100_000);
    await end(opened);
  } finally {
    await opened.close();
  }
}

async function prepare(repository: BackupRepository): Promise<void> {
  for (const name of ['one', 'two', 'three']) await repository.put(`job/${name}`, text(name));
  await repository.makePlace('job/desk');
  const opened = await repository.openWork('job/work', TOKEN);
  await opened.write(text('finished'), 0);
  await opened.sync();
  await opened.close();
}

/** Paths, stamps and contents. */
async function stateOf(repository: BackupRepository, folder = ''): Promise<string[]> {
  const found: string[] = [];
  for (const { type, path, stamp } of await repository.list(folder))
    if (type === 'folder') found.push(`${path}/`, ...(await stateOf(repository, path)));
    else {
      const bytes = await readWholeFile(repository, path, 1_000_000);
      found.push(`${path} ${stamp.modifiedAtNs} ${bytes?.toString('latin1')}`);
    }
  return found;
}

/** The right to write is asked for before each request that changes storage, and none is made without it.
 *  @param changes how many requests have changed it so far; absent: it does not tell */
export function describeFence(
  name: string,
  makeRepository: () => Promise<{
    readonly repository: BackupRepository;
    readonly changes?: () => number;
    dispose(): Promise<void>;
  }>,
): void {
  describe(`fence: ${name}`, () => {
    let made: Awaited<ReturnType<typeof makeRepository>>;
    beforeEach(async () => {
      made = await makeRepository();
      await prepare(made.repository);
      return () => made.dispose();
    });

    /** Whoever is asked says yes so many times. */
    function behind(grants: number) {
      let asked = 0;
      const repository = made.repository.fenced(() => {
        if (asked++ >= grants) throw LOST;
      });
      return { repository, asked: () => asked };
    }

    const can = (verb: string) =>
      !(verb in made.repository) || made.repository[verb as 'link'] !== null;

    it.each(Object.entries(VERBS))('changes nothing by %s without the right', async (verb, row) => {
      const before = await stateOf(made.repository);
      const { repository, asked } = behind(0);
      const isAble = verb === 'setFileTraits' ? made.repository.setFileTraits : can(verb);
      if (!isAble) return;
      await expect(row.change(repository)).rejects.toBe(LOST);
      expect(asked()).toBe(1);
      expect(await stateOf(made.repository)).toEqual(before);
    });

    it.each(Object.entries(VERBS))(
      'asks before each request of %s',
      async (verb, { change, isMany }) => {
        const before = made.changes?.() ?? 0;
        const whole = behind(Infinity);
        await change(whole.repository);
        const requests = (made.changes?.() ?? 0) - before;
        const isAble = verb === 'setFileTraits' ? made.repository.setFileTraits : can(verb);
        if (made.changes === undefined && isAble) expect(whole.asked()).toBeGreaterThan(0);
        if (made.changes !== undefined) expect(whole.asked()).toBe(requests);
        if (made.changes !== undefined && isMany) expect(requests).toBeGreaterThan(1);
      },
    );

    it('stops in the middle of a verb whose right ends there, and makes no request more', async () => {
      const whole = behind(Infinity);
      await whole.repository.removeAll('job');
      const needed = whole.asked();
      for (let grants = 1; grants < needed; grants++) {
        await prepare(made.repository);
        const before = made.changes?.() ?? 0;
        const { repository, asked } = behind(grants);
        await expect(repository.removeAll('job')).rejects.toBe(LOST);
        expect(asked()).toBe(grants + 1);
        if (made.changes !== undefined) expect(made.changes() - before).toBe(grants);
        expect(await stateOf(made.repository)).not.toEqual([]);
      }
    });

    it('asks through every fence that it stands behind', async () => {
      const lost = made.repository
        .fenced(() => {
          throw LOST;
        })
        .fenced(() => undefined);
      await expect(lost.put('job/new', text('new'))).rejects.toBe(LOST);
      await expect(
        behind(0)
          .repository.fenced(() => undefined)
          .remove('job/one'),
      ).rejects.toBe(LOST);
    });

    it('keeps what the storage can do, and does it', async () => {
      const { repository } = behind(Infinity);
      const { openUpdate, link, setFileTraits } = made.repository;
      expect(repository.setFileTraits === undefined).toBe(setFileTraits === undefined);
      expect(repository.openUpdate === null).toBe(openUpdate === null);
      expect(repository.link === null).toBe(link === null);
      const { id, capabilities, limits, conditionalPut } = made.repository;
      expect(repository).toMatchObject({ id, capabilities, limits, conditionalPut });
    });

    it('asks nothing before what only reads or makes durable', async () => {
      const { repository, asked } = behind(0);
      await repository.list('job');
      await repository.stat('job/one');
      for await (const { path } of repository.entries('job')) expect(path).toMatch(/^job\//);
      await repository.capacity();
      await repository.settle(['job']);
      const opened = await repository.openRead('job/one');
      await opened.read(Buffer.alloc(3), 0);
      await opened.close();
      expect(asked()).toBe(0);
    });
  });
}
