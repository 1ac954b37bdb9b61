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
async function damaged({ stop, list, damage }: Case): Promise<OneDump> {
  const dump = await OneDump.of(stop === 'named' ? WITH_LARGE : SMALL);
  await dump.write('monday');
  expect((await dump.session()).result).toBe('success');
  await dump.write('tuesday');
  await killedAt(dump, stop);
  const path = `${dump.tree}/.staging/${list}`;
  const bytes = DAMAGES[damage](await bytesOf(dump, path));
  if (bytes === null) await dump.target.remove(path);
  else await dump.target.put(path, bytes);
  return dump;
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
