import { beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord, writeChainRecord } from '../../../src/chain/chain-store.js';
import type { TargetRestorePoint } from '../../../src/domain/targets/target-point.js';
import { LivingChain } from '../../support/living/living-chain.js';
import { readWholeFile } from '../../../src/repository/replace-file.js';
import { breakSectors } from '../../support/repository/bad-sectors.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

const FIRST_MS = Date.parse('2026-11-01T01:00:00Z');
const DAY_MS = 86_400_000;
const UNIT = 65_536;

async function unreadable(target: SimulatedRepository, path: string): Promise<void> {
  const { sizeBytes } = (await target.stat(path))!.stamp;
  breakSectors(target, path, [sizeBytes - 1]);
}

/** The next backup must not become an increment on a file that is not what the record says. */
describe('a newest point of the target whose disk file', () => {
  let target: SimulatedRepository;
  let living: LivingChain;
  let newest: TargetRestorePoint;
  let chain: string;
  let path: string;
  beforeEach(async () => {
    target = new SimulatedRepository('offsite');
    const source = new SimulatedRepository('primary');
    living = await LivingChain.begin({ source, target }, FIRST_MS, {
      mode: 'periodic',
      retention: { type: 'restorePoints', value: 7 },
      gfs: null,
      timeZone: 'UTC',
    });
    await living.session();
    living.source.work(2);
    await living.source.backUp(FIRST_MS + DAY_MS, 'incremental');
    await living.session();
    newest = (await living.points()).at(-1)!;
    chain = chainFolder('nightly', living.chain.workloadId);
    path = `${chain}/${newest.disks[0]!.path}`;
    living.source.work(3);
    await living.source.backUp(FIRST_MS + 2 * DAY_MS, 'incremental');
  });

  async function change(to: (size: number) => { truncate?: number; at?: number }): Promise<void> {
    const file = await target.openWrite(path, 'existing');
    const { truncate, at } = to((await file.stamp()).sizeBytes);
    if (truncate !== undefined) await file.truncate(truncate);
    if (at !== undefined) await file.write(Buffer.from('rot'), at);
    await file.close();
  }

  it.each([
    ['was cut', () => change((size) => ({ truncate: size - UNIT })), 'RESTORE_POINT_BROKEN'],
    ['is empty', () => change(() => ({ truncate: 0 })), 'RESTORE_POINT_BROKEN'],
    ['has grown', () => change((size) => ({ at: size })), 'RESTORE_POINT_BROKEN'],
    ['is missing', () => target.remove(path), 'RESTORE_POINT_BROKEN'],
    [
      'is no file',
      async () => {
        await target.remove(path);
        await target.makeFolder(path);
      },
      'RESTORE_POINT_BROKEN',
    ],
  ])('%s gets nothing on top, and the session says why', async (_, damage, code) => {
    await damage();
    const before = (await living.points()).map(({ id }) => id);
    const outcome = String(await living.session().catch((error: unknown) => error));
    expect(outcome).toContain(`"code":"${code}"`);
    expect(outcome).toContain(`nothing is built on restore point ${newest.id}`);
    expect((await living.points()).map(({ id }) => id)).toEqual(before);
  });

  it.each([
    ['begins with other bytes', () => change(() => ({ at: 24 }))],
    ['ends with other bytes', () => change((size) => ({ at: size - 9 }))],
    ['cannot be read at its end', () => unreadable(target, path)],
  ])('%s is marked corrupt, and followed by a full of a new chain', async (_, damage) => {
    await damage();
    expect(await living.session()).toBe('');
    expect((await living.points()).map(({ kind, health }) => [kind, health])).toEqual([
      ['full', 'good'],
      ['increment', 'corrupt'],
      ['full', 'good'],
    ]);
    // The damaged file opens no more.
    const record = (await readChainRecord(target, chain))!;
    const points = record.points.filter(({ id }) => id !== newest.id);
    await writeChainRecord(target, chain, { ...record, points });
    expect(await living.wrongPoints()).toEqual([]);
  });

  it('is known to be damaged is followed by a full of a new chain, which reads bit for bit', async () => {
    const bytes = await readWholeFile(target, path, 2 ** 30);
    const shown = living.truth(newest);
    const unit = [...Array(bytes!.length / UNIT).keys()].find((at) =>
      shown.includes(bytes!.subarray(at * UNIT, (at + 1) * UNIT)),
    )!;
    await change(() => ({ at: unit * UNIT + 9 }));
    const record = (await readChainRecord(target, chain))!;
    const points = record.points.map((point) =>
      point.id === newest.id ? { ...point, health: 'corrupt' as const } : point,
    );
    await writeChainRecord(target, chain, { ...record, points });
    expect(await living.session()).toBe('');
    expect((await living.points()).map(({ kind, health }) => [kind, health])).toEqual([
      ['full', 'good'],
      ['increment', 'corrupt'],
      ['full', 'good'],
    ]);
    expect(await living.wrongPoints()).toEqual([newest.id]);
  });

  it('is as it was written gets the next point on top', async () => {
    await living.session();
    expect(await living.points()).toHaveLength(3);
    expect(await living.wrongPoints()).toEqual([]);
  });
});
