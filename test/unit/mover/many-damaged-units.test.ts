import { beforeAll, describe, expect, it } from 'vitest';
import { stagingFolder } from '../../../src/chain/chain-paths.js';
import { BackupError, type ErrorCode } from '../../../src/domain/errors.js';
import { verifyStagingId } from '../../../src/domain/targets/staging-id.js';
import { packBits } from '../../../src/mover/blocks/block-bits.js';
import { mayAnswerLater } from '../../../src/mover/health/healing-source.js';
import { verificationJournal } from '../../../src/mover/staging/journals.js';
import { JournalWriter } from '../../../src/mover/task/window-journal.js';
import { CopiedMachine, type MachineCopy } from '../../support/living/copied-machine.js';

const WINDOW = 128;
/** 5.5 GiB of a file, and a part of a window. */
const COUNT = 88_000 + 5;
const WINDOWS = Math.ceil(COUNT / WINDOW);

let machine: CopiedMachine;
let disk: string;
beforeAll(async () => {
  machine = await CopiedMachine.make({ later: () => Promise.resolve() });
  disk = machine.before.points[0]!.disks[0]!.disk;
});

/** A verification whose windows noted these units as bad. */
async function noted(copy: MachineCopy, bad: ReadonlySet<number>, windows = WINDOWS) {
  const input = { ...copy.input, pointId: machine.idOf(0), operation: 'check' };
  const { token } = await copy.mover.run('prepareVerification', input);
  const staging = stagingFolder(machine.chain, verifyStagingId(machine.idOf(0)));
  const place = verificationJournal(staging, disk, token);
  const file = await copy.target.openWork(place.path, place.token);
  const writer = new JournalWriter(file, place);
  for (let window = 0; window < windows; window++) {
    const count = Math.min(WINDOW, COUNT - window * WINDOW);
    const bits = Uint8Array.from({ length: count }, (_, i) =>
      bad.has(window * WINDOW + i) ? 1 : 0,
    );
    await writer.seal(window, packBits(bits));
  }
  await file.close();
  const disks = [{ disk, blockCount: COUNT, windowCount: WINDOWS }];
  return () => copy.mover.run('collectDamage', { ...input, token, disks });
}

describe('what the windows of a verification noted', () => {
  it.each<[string, number[]]>([
    ['nothing', []],
    ['the first and the last', [0, COUNT - 1]],
    ['both sides of a window, and of what is looked at together', [127, 128, 65_535, 65_536]],
    ['a thousand', Array.from({ length: 1_000 }, (_, i) => i * 80)],
  ])('is told unit by unit: %s', async (_, bad) => {
    const collect = await noted(await machine.copy(), new Set(bad));
    const damage = bad.length === 0 ? [] : [{ type: 'units', disk, units: bad, count: bad.length }];
    expect((await collect()).damage).toEqual(damage);
  });

  it('is counted whole, and told by its first thousand, where it is more', async () => {
    const bad = Array.from({ length: 1_001 }, (_, i) => 7 + i * 80);
    const copy = await machine.copy();
    const collect = await noted(copy, new Set(bad));
    const found = await collect();
    expect(found.damage).toEqual([
      { type: 'units', disk, units: bad.slice(0, 1_000), count: 1_001 },
    ]);
    // Nobody got the answer: the same again, for the same check.
    expect(await collect()).toEqual(found);
    expect(await copy.target.list(`${machine.chain}/.leases`)).toEqual([]);
  });

  it('is nothing that could be told where the last window is not among it', async () => {
    const collect = await noted(await machine.copy(), new Set([3]), WINDOWS - 1);
    await expect(collect()).rejects.toMatchObject({ code: 'STAGING_INVALID' });
    // And gone, so that it is not taken up again.
    await expect(collect()).rejects.toMatchObject({ code: 'STAGING_INVALID' });
  });
});

describe('a source that was asked for good bytes', () => {
  const told = (code: ErrorCode, details: Record<string, unknown> = {}) =>
    mayAnswerLater(new BackupError(code, 'no', { details: details as never }));

  it.each<[ErrorCode, boolean]>([
    ['REPOSITORY_UNREACHABLE', true],
    ['REPOSITORY_IO_ERROR', true],
    ['REPOSITORY_ACCESS_DENIED', true],
    ['REPOSITORY_MISSING', true],
    ['SOURCE_EMPTY', true],
    ['SOURCE_PART_UNREADABLE', true],
    ['SOURCE_CHANGED', true],
    ['WORKLOAD_CLAIMED_TWICE', true],
    ['WORKLOAD_MISSING', false],
    ['RESTORE_POINT_MISSING', false],
    ['FILE_MISSING', false],
    ['IMAGE_CORRUPT', false],
    ['BLOCK_DIGEST_MISMATCH', false],
    ['RESTORE_POINT_BROKEN', false],
  ])('and answered %s may have them at another time: %s', (code, may) => {
    expect(told(code)).toBe(may);
  });

  it('may have them later where the point is only broken for now', () => {
    expect(told('RESTORE_POINT_BROKEN', { isPassing: true })).toBe(true);
    expect(told('RESTORE_POINT_BROKEN', { isPassing: false })).toBe(false);
  });
});
