import { describe, expect, it } from 'vitest';
import { withLostPoints } from '../../../../src/mover/tree/health/lost-points.js';
import { OneDump } from '../../../support/tree/one-dump.js';
import { LocalSessions } from '../../../support/workflows/local-sessions.js';

const FOLDER = 'store/dump/shop';
/** They get their names one after the other, when all of them are copied. */
const LARGE_BYTES = 8 * 1024 ** 2 + 1;

/** Of one length each day: nothing but their bytes tells them apart. */
const SMALL = (day: string) => ({
  [`${FOLDER}/a.bson`]: `a of ${day}`.padEnd(40),
  [`${FOLDER}/b.bson`]: `b of ${day}`.padEnd(40),
  [`${FOLDER}/a.metadata.json`]: `metadata of ${day}`.padEnd(40),
});
const WITH_LARGE = (day: string) => ({
  ...SMALL(day),
  [`${FOLDER}/y.bson`]: `y of ${day}`.padEnd(LARGE_BYTES),
  [`${FOLDER}/z.bson`]: `z of ${day}`.padEnd(LARGE_BYTES),
});

/** What becomes of a list, by what it was. */
const DAMAGES = {
  empty: () => Buffer.alloc(0),
  cut: (bytes: Buffer) => bytes.subarray(0, Math.floor(bytes.length / 2)),
  null: () => Buffer.from('null\n'),
  'of another shape': () => Buffer.from('[{"path":1}]\n{}\n'),
  'of another version': () =>
    Buffer.from('{"longhaulStaging":99,"digest":"00","content":{"token":"t"}}\n'),
  missing: () => null,
} as const;

/** `before`: nothing has another content yet. `after`: the small files have. `named`: so has a large one, and another has not. */
type Stop = 'before' | 'after' | 'named';

const ALL = Object.keys(DAMAGES) as (keyof typeof DAMAGES)[];

/** A plan that is missing is one of a session that has ended. */
const OF_SMALL: Readonly<Record<string, readonly (keyof typeof DAMAGES)[]>> = {
  'plan.json': ALL.filter((damage) => damage !== 'missing'),
  '0.small': ALL,
  '0.windows': ['cut', 'of another version'],
  '0.marks': ['of another shape'],
  '0.journal': ['empty', 'null', 'missing'],
};

const CASES: readonly Case[] = [
  ...(['before', 'after'] as const).flatMap((stop) =>
    Object.entries(OF_SMALL).flatMap(([list, damages]) =>
      damages.map((damage) => ({ stop, list, damage })),
    ),
  ),
  { stop: 'named', list: '0.large', damage: 'cut' },
  { stop: 'named', list: '0.journal', damage: 'cut' },
];

interface Case {
  readonly stop: Stop;
  readonly list: string;
  readonly damage: keyof typeof DAMAGES;
}

/** Monday's dump was copied; the session of Tuesday's was killed, and then a list was damaged. */
async function damaged(one: Case, of = one.stop === 'named' ? WITH_LARGE : SMALL) {
  const dump = await OneDump.of(of);
  await dump.write('monday');
  expect((await dump.session()).result).toBe('success');
  await dump.write('tuesday');
  await killedAt(dump, one.stop);
  await damage(dump, one);
  return dump;
}

async function damage(dump: OneDump, { list, damage }: Case): Promise<void> {
  const path = `${dump.tree}/.staging/${list}`;
  const bytes = DAMAGES[damage](await bytesOf(dump, path));
  if (bytes === null) await dump.target.remove(path);
  else await dump.target.put(path, bytes);
}

async function killedAt(dump: OneDump, stop: Stop): Promise<void> {
  const { repository } = dump.source;
  const openRead = repository.openRead.bind(repository);
  const stat = repository.stat.bind(repository);
  const rename = dump.target.rename.bind(dump.target);
  const killed = () => Promise.reject(new Error('killed'));
  if (stop === 'before')
    repository.openRead = (path) => (path.endsWith('a.bson') ? killed() : openRead(path));
  if (stop === 'named')
    repository.stat = (path) => (path.endsWith('z.bson') ? killed() : stat(path));
  if (stop === 'after')
    dump.target.rename = (from, to) => (to.endsWith('b.bson') ? killed() : rename(from, to));
  await dump.session().catch(() => undefined);
  Object.assign(repository, { openRead, stat });
  dump.target.rename = rename;
}

async function bytesOf({ target }: OneDump, path: string): Promise<Buffer> {
  const file = await target.openRead(path);
  const bytes = Buffer.alloc((await file.stamp()).sizeBytes);
  await file.read(bytes, 0);
  await file.close();
  return bytes;
}

/** Of which day the copy is, by its bytes: all of its files. */
async function daysOf(dump: OneDump): Promise<Set<string>> {
  const files = [...(await dump.copied()).values()];
  return new Set(files.map((bytes) => / of (\w+)/.exec(bytes.toString('latin1', 0, 40))![1]!));
}

async function goodPoints(dump: OneDump): Promise<string[]> {
  const { points } = await dump.record();
  return points.filter(({ health }) => health === 'good').map(({ createdAt }) => createdAt);
}

/** Windows of 8 MiB: a step ends with each large file. */
const STEPS = { settings: { batchWindows: 1 } };

/** A session that reads files of the copy to compare them with the index, until it is killed at one. */
async function comparedBy(
  dump: OneDump,
  killedAt: string | null,
): Promise<{ readonly steps: number; readonly read: readonly string[] }> {
  const { openRead } = dump.target;
  const files = `${dump.tree}/files/dump/shop/`;
  const [steps, read] = [[] as string[], new Set<string>()];
  dump.target.openRead = (path) => {
    if (steps.at(-1) !== 'planTree' || !path.startsWith(files))
      return openRead.call(dump.target, path);
    const name = path.slice(files.length);
    if (name === killedAt) return Promise.reject(new Error('killed'));
    read.add(name);
    return openRead.call(dump.target, path);
  };
  const beforeActivity = (name: string) => Promise.resolve(void steps.push(name));
  await dump.session({ ...STEPS, beforeActivity }).catch(() => undefined);
  dump.target.openRead = openRead;
  return { steps: steps.filter((name) => name === 'planTree').length, read: [...read].sort() };
}

describe('the comparison that damaged lists make necessary', () => {
  const CUT: Case = { stop: 'before', list: '0.small', damage: 'cut' };
  const SMALL_READ = ['a.bson', 'a.metadata.json', 'b.bson'];

  it('goes on in the next session where it was stopped, in steps', async () => {
    const dump = await damaged(CUT, WITH_LARGE);

    expect((await comparedBy(dump, 'z.bson')).read).toEqual([...SMALL_READ, 'y.bson']);
    expect(await comparedBy(dump, null)).toEqual({ steps: 2, read: ['z.bson'] });

    expect(await daysOf(dump)).toEqual(new Set(['tuesday']));
    expect(await goodPoints(dump)).toHaveLength(1);
    expect(await dump.session()).toMatchObject({ result: 'nothingToCopy' });
  });

  it('trusts no file to what was compared before a later run wrote over it', async () => {
    const dump = await damaged(CUT, WITH_LARGE);
    const [monday] = (await dump.record()).points;
    await comparedBy(dump, 'z.bson');
    await killedAt(dump, 'after');
    await damage(dump, CUT);

    const { read } = await comparedBy(dump, 'z.bson');
    expect(read).toEqual([...SMALL_READ, 'y.bson']);
    expect((await comparedBy(dump, null)).read).toEqual(['z.bson']);

    expect(await goodPoints(dump)).not.toContain(monday!.createdAt);
    expect(await daysOf(dump)).toEqual(new Set(['tuesday']));
  });

  it('is done in one go where its notes cannot be read', async () => {
    const dump = await damaged(CUT, WITH_LARGE);
    const { put } = dump.target;
    const cut: typeof put = (path, bytes, options) =>
      put.call(
        dump.target,
        path,
        path.endsWith('/compared.json') ? bytes.subarray(1) : bytes,
        options,
      );
    Object.assign(dump.target, { put: cut });

    expect((await comparedBy(dump, null)).steps).toBe(3);

    expect(await daysOf(dump)).toEqual(new Set(['tuesday']));
  });

  it('tells all that it has found when it was stopped in between', async () => {
    const dump = await damaged({ ...CUT, stop: 'after' }, WITH_LARGE);
    await comparedBy(dump, 'z.bson');
    await killedAt(dump, 'before');

    const { points, untold, lost } = await dump.record();

    expect(points.map(({ health }) => health)).toEqual(['corrupt']);
    expect(lost?.files.map(({ path }) => path)).toEqual([
      'dump/shop/a.bson',
      'dump/shop/a.metadata.json',
    ]);
    expect(untold!.join()).toContain('5 files that it may have written over were compared');
  });
});

describe('a list of a stopped session that is damaged', () => {
  it.each(CASES)('$list, $damage, $stop', async (one) => {
    const dump = await damaged(one);
    const [monday] = (await dump.record()).points;

    const next = await dump.session();

    expect(next.result).not.toBe('failed');
    expect(JSON.stringify(next.tasks)).toContain('lists that cannot be read (STAGING_INVALID: ');
    expect(await daysOf(dump)).toEqual(new Set(['tuesday']));
    expect(await goodPoints(dump)).toHaveLength(1);
    expect(await goodPoints(dump)).not.toContain(monday!.createdAt);
    const after = await dump.session();
    expect(after).toMatchObject({ result: 'nothingToCopy' });
    expect(after.tasks[0]!.notes).toEqual([]);
    expect((await dump.record()).lost).toBeUndefined();
  });

  it('is none that a plan before has noted of, when the session after that was stopped too', async () => {
    const dump = await OneDump.of(SMALL);
    await dump.write('monday');
    await dump.session();
    await dump.write('tuesday');
    await killedAt(dump, 'after');
    await killedAt(dump, 'before');

    const next = await dump.session();

    expect(JSON.stringify(next.tasks)).not.toContain('cannot be read');
    expect(await daysOf(dump)).toEqual(new Set(['tuesday']));
    expect(await goodPoints(dump)).toHaveLength(1);
  });

  it.each(CASES.filter(({ damage }) => damage === 'cut' || damage === 'missing'))(
    'leaves no point good that is not, when no session comes: $list, $damage, $stop',
    async (one) => {
      const dump = await damaged(one);
      const isWhole = one.stop === 'before';
      const look = { compares: true, nowMs: dump.nowMs };
      const seen = await withLostPoints(dump.target, dump.tree, await dump.record(), look);
      expect(seen.record.points.map(({ health }) => health)).toEqual(['unknown']);

      const { repository } = dump.source;
      await new LocalSessions([repository, dump.target]).verify('offsite', dump.nowMs);

      expect(await goodPoints(dump)).toHaveLength(isWhole ? 1 : 0);
    },
  );
});
