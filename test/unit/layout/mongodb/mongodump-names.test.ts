import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { UnrecognisedFiles } from '../../../../src/domain/sources/unrecognised.js';
import { scanRepository } from '../../../../src/layout/scan-repository.js';
import { requireTool } from '../../../support/image/qemu.js';
import { noRealTrees, realTree, treeOf } from '../../../support/layout/real-tree.js';
import { CallCounter } from '../../../support/repository/count-calls.js';

const real = async (): Promise<Buffer> =>
  readFile((await realTree('mongodump')).at('test.bar.archive'));

async function look(files: Record<string, Uint8Array>) {
  const copy = await treeOf(files);
  const strangers: UnrecognisedFiles[] = [];
  const counter = new CallCounter(copy.repository);
  const found = await scanRepository(copy.repository, {
    onUnrecognised: (one) => strangers.push(one),
  });
  return {
    ...{ copy, strangers, opened: [...counter.opened] },
    workloads: found.map(({ type, name, restorePoints }) => [
      ...[type, name],
      ...restorePoints.map(({ id, state }) => `${id} ${state}`),
    ]),
  };
}

describe.skipIf(noRealTrees)('archives of mongodump under names that say less', () => {
  const dated = Date.UTC(2026, 10, 24);

  it.each([
    ['shop.2026-11-24.gz', 'shop'],
    ['shop-2026-11-24', 'shop'],
    ['shop.2026-11-24', 'shop'],
    ['mongo-2026-11-24.dump', 'mongo'],
    ['shop-2026-11-24.dump', 'shop'],
    ['shop.archive.2026-11-24', 'shop'],
    ['shop.archive.gz-20261124', 'shop'],
    ['mongo-20261124.bin', 'mongo'],
  ])('are known by their first bytes: %s', async (name, stem) => {
    const archive = await real();
    const bytes = name.includes('gz') ? gzipSync(archive) : archive;
    const { workloads, strangers, copy } = await look({ [`m/${name}`]: bytes });
    expect(workloads).toEqual([['mongodb', stem, `${name} complete`]]);
    expect(strangers).toEqual([]);
    const [found] = await scanRepository(copy.repository);
    expect(found!.restorePoints[0]!.createdAtMs).toBe(dated);
  });

  it.each(['zstd', 'lz4'])('are known within what %s packed', async (packer) => {
    if (!requireTool(packer)) return;
    const input = Buffer.concat([await real(), randomBytes(300_000)]);
    const packed = execFileSync(packer, ['-c'], { input, maxBuffer: 1e6 });
    const ending = packer === 'zstd' ? 'zst' : 'lz4';
    const name = `shop-2026-11-24.archive.${ending}`;
    const whole = await look({ [`m/${name}`]: packed });
    expect(whole.workloads).toEqual([['mongodb', 'shop', `${name} complete`]]);
    const cut = await look({ [`m/${name}`]: packed.subarray(0, -5) });
    expect(cut.workloads).toEqual([['mongodb', 'shop', `${name} incomplete`]]);
    const notes = execFileSync(packer, ['-c'], { input: 'notes' });
    expect((await look({ [`m/${name}`]: notes })).workloads).toEqual([]);
  });

  it('are one workload with those whose names say it, and one without a date is each time another point', async () => {
    const archive = await real();
    const { workloads } = await look({
      ...{ 'm/shop-2026-11-24': archive, 'm/shop-2026-11-25.archive': archive },
      'm/mongo.bin': archive,
    });
    expect(workloads.map(([, name, ...points]) => [name, points.length])).toEqual([
      ['mongo', 1],
      ['shop', 2],
    ]);
  });

  it('that were cut off are not whole', async () => {
    const { workloads } = await look({ 'm/shop-2026-11-24': (await real()).subarray(0, -4) });
    expect(workloads).toEqual([['mongodb', 'shop', 'shop-2026-11-24 incomplete']]);
  });

  it('are not all lost where the dumps of two nights failed', async () => {
    const archive = await real();
    const { workloads, strangers } = await look({
      ...{ 'm/shop-2026-11-22': archive, 'm/shop-2026-11-23': archive },
      ...{ 'm/shop-2026-11-24': Buffer.alloc(0), 'm/shop-2026-11-25': Buffer.alloc(0) },
    });
    expect(workloads).toEqual([
      ['mongodb', 'shop', 'shop-2026-11-22 complete', 'shop-2026-11-23 complete'],
    ]);
    expect(strangers[0]!.examples).toEqual(['shop-2026-11-24', 'shop-2026-11-25']);
  });
});

describe('what is none', () => {
  const notes = Buffer.from('notes');
  const days = Array.from(
    { length: 30 },
    (_, day) => `app-2026-11-${String(day + 1).padStart(2, '0')}`,
  );

  it('is opened three times for each name, however many days it has', async () => {
    const { opened, workloads } = await look(
      Object.fromEntries(days.map((name) => [`logs/${name}`, notes])),
    );
    expect(workloads).toEqual([]);
    expect(opened.length).toBeLessThanOrEqual(3);
  });

  it('is not opened where it has a name for each of its many files', async () => {
    const pieces = Array.from({ length: 120 }, (_, piece) => `df_ORCL_20261124_${piece}_1_1`);
    const { opened } = await look(
      Object.fromEntries(pieces.map((name) => [`oracle/${name}`, notes])),
    );
    expect(opened.filter((path) => path.includes('df_'))).toEqual([]);
  });

  it('is not claimed for its name', async () => {
    const { workloads } = await look({
      ...{ 'm/mongo.bin': notes, 'm/shop-2026-11-24': notes, 'm/shop-2026-11-24.dump': notes },
      ...{ 'm/shop.archive.2026-11-24': notes, 'm/mongodump.log': notes },
    });
    expect(workloads).toEqual([]);
  });
});
