import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  firstOpenWindow,
  JournalWriter,
  openRuns,
  WindowJournal,
  type JournalPlace,
} from '../../../../src/mover/task/window-journal.js';
import type { WorkFile } from '../../../../src/repository/backup-repository.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

const PLACE: JournalPlace = { path: 'vda.journal', token: 'a plan', payloadBytes: 48 };
/** Payload and half a SHA-256 (docs/FORMAT.md, Staging). */
const RECORD_BYTES = 48 + 16;
const payloadOf = (window: number): Buffer => Buffer.alloc(48, window + 1);

describe('the journal of work in windows', () => {
  let target: SimulatedRepository;
  let file: WorkFile;
  beforeEach(async () => {
    target = new SimulatedRepository('offsite');
    file = await target.openWork(PLACE.path, PLACE.token);
  });
  afterEach(() => file.close());

  const open = (place = PLACE) => openRuns(target, place, 0, 3);
  async function seal(...windows: number[]): Promise<void> {
    for (const window of windows)
      await new JournalWriter(file, PLACE).seal(window, payloadOf(window));
  }

  it('shows every window as open at first, and those that are done no more', async () => {
    expect(await open()).toEqual([{ first: 0, count: 3 }]);
    await seal(2, 0);
    expect(await open()).toEqual([{ first: 1, count: 1 }]);
    expect(await firstOpenWindow(target, PLACE, 3)).toBe(1);
    await seal(1);
    expect(await open()).toEqual([]);
    expect(await firstOpenWindow(target, PLACE, 3)).toBe(3);
  });

  it('shows all as open where there is none', async () => {
    const nowhere = { ...PLACE, path: 'vdb.journal' };
    expect(await open(nowhere)).toEqual([{ first: 0, count: 3 }]);
    expect(await firstOpenWindow(target, nowhere, 3)).toBe(0);
  });

  it('seals token, number and payload', async () => {
    await seal(1);
    const record = Buffer.alloc(RECORD_BYTES);
    await file.read(record, RECORD_BYTES);
    const expected = createHash('sha256').update('a plan 1 ').update(payloadOf(1)).digest();
    expect(record.subarray(0, 48).equals(payloadOf(1))).toBe(true);
    expect(record.subarray(48).equals(expected.subarray(0, 16))).toBe(true);
  });

  it('that is begun for another plan has zeros, whatever an earlier one left in it', async () => {
    await seal(0, 1);
    const next = { ...PLACE, token: 'another plan' };
    await new JournalWriter(file, next).begin(3);
    const journal = new WindowJournal(file, next);
    for (const window of [0, 1, 2]) {
      expect(await journal.isBegun(window)).toBe(true);
      expect(await journal.noted(window)).toBeNull();
    }
    const record = Buffer.alloc(RECORD_BYTES, 1);
    await file.read(record, 0);
    const expected = createHash('sha256').update('another plan begun 0 ').update(Buffer.alloc(48));
    expect(record.subarray(0, 48).equals(Buffer.alloc(48))).toBe(true);
    expect(record.subarray(48).equals(expected.digest().subarray(0, 16))).toBe(true);
  });

  it('gives back what the windows left in it, wherever it begins', async () => {
    await seal(0, 1, 2);
    const journal = new WindowJournal(file, PLACE);
    expect(await journal.read(1, 2)).toEqual(Buffer.concat([payloadOf(1), payloadOf(2)]));
  });

  it('reads a window that is not done from nowhere', async () => {
    await seal(0, 2);
    await expect(new WindowJournal(file, PLACE).read(0, 3)).rejects.toMatchObject({
      code: 'STAGING_INVALID',
      details: { path: 'vda.journal' },
      message: expect.stringContaining('window 1 ') as string,
    });
  });

  it('opens a window whose record a power cut took, wholly or in part, or tore', async () => {
    await seal(0, 1, 2);
    await file.write(Buffer.alloc(1), 40);
    await file.truncate(2 * RECORD_BYTES + 63);
    expect(await open()).toEqual([
      { first: 0, count: 1 },
      { first: 2, count: 1 },
    ]);
  });

  it('opens what another plan has done, and what was done of another window', async () => {
    await seal(0, 1, 2);
    expect(await open({ ...PLACE, token: 'another plan' })).toEqual([{ first: 0, count: 3 }]);
    const record = Buffer.alloc(RECORD_BYTES);
    await file.read(record, 0);
    await file.write(record, RECORD_BYTES);
    expect(await open()).toEqual([{ first: 1, count: 1 }]);
  });

  it('is read in parts of about 1 MiB, from any window to any other', async () => {
    const place = { path: 'large.journal', token: 'a plan', payloadBytes: 300_000 }; // four to a part
    const large = await target.openWork(place.path, place.token);
    const writer = new JournalWriter(large, place);
    const payload = (window: number): Buffer => Buffer.alloc(300_000, window + 1);
    for (let window = 0; window < 12; window++)
      if (window !== 9) await writer.seal(window, payload(window));
    const journal = new WindowJournal(large, place);
    const expected = Buffer.concat(Array.from({ length: 8 }, (_, i) => payload(1 + i)));
    expect((await journal.read(1, 8)).equals(expected)).toBe(true);
    await expect(journal.read(1, 9)).rejects.toMatchObject({ code: 'STAGING_INVALID' });
    expect(await journal.openRuns(1, 12)).toEqual([
      { first: 9, count: 1 },
      { first: 12, count: 1 },
    ]);
    expect(await journal.firstOpen(12)).toBe(9);
    expect(await journal.firstOpen(9)).toBe(9);
    await large.close();
  });

  it('holds 64 TiB of windows in one run', async () => {
    const windowCount = 2 ** 46 / (8 * 1024 * 1024);
    const nothing = { ...PLACE, path: 'vdb.journal' };
    expect(await openRuns(target, nothing, 0, windowCount)).toHaveLength(1);
  });
});
