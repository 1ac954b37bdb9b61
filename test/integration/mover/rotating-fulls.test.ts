import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findChains } from '../../../src/chain/find-chains.js';
import { composerOf } from '../../../src/image/formats.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { blockOf, composeDisk } from '../../support/image/composed-disk.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';
import { sourceAndTarget } from '../../support/repository/source-and-target.js';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 11, 20);
const MACHINE = 'ec04f346-db96-4700-af5b-77b3c56c38bd';

let folder: string;
let primary: BackupRepository;
let offsite: BackupRepository;
beforeEach(async () => {
  ({ folder, primary, offsite } = await sourceAndTarget('rotating'));
});
afterEach(() => rm(folder, { recursive: true }));

async function disk(format: string, day: number): Promise<Uint8Array> {
  if (format === 'raw') return Buffer.concat([blockOf(1), blockOf(day + 10)]);
  const blocks = new Map([
    [0, blockOf(1)],
    [1, blockOf(day + 10)],
  ]);
  const shape = { virtualSizeBytes: 2 * 65_536, blocks, dialect: {}, seed: `${day}`.repeat(32) };
  return (await composeDisk(composerOf(format), shape)).bytes;
}

it.each<[string, (before: Buffer) => Buffer, string[]]>([
  ['went on being written', (before) => Buffer.concat([before, blockOf(3)]), ['163840']],
  [
    'is another backup that is longer',
    () => Buffer.concat([blockOf(1), blockOf(9), blockOf(3)]),
    ['98304', '196608'],
  ],
  [
    'is another backup in which zeros were written to',
    (before) => Buffer.concat([before.subarray(0, 81_920), blockOf(4).subarray(0, 16_384)]),
    ['98304', '98304'],
  ],
  ['was only touched', (before) => before, ['98304']],
])('an undated file that %s after it was copied', async (_, change, expected) => {
  const path = join(folder, 'primary', 'web01.img');
  // It ends within a block, the last part of it zeros.
  const before = Buffer.concat([blockOf(1), blockOf(2).subarray(0, 16_384), Buffer.alloc(16_384)]);
  for (const [day, bytes] of [before, change(before)].entries()) {
    await writeFile(path, bytes);
    const date = new Date(NOW_MS - (20 - day) * DAY_MS);
    await utimes(path, date, date);
    const sessions = new LocalSessions([primary, offsite]);
    const { result } = await sessions.tryToCopy(
      testJob({ retention: { type: 'restorePoints', value: 9 } }),
      NOW_MS + day * DAY_MS,
    );
    expect(result).toBe(day === 1 && bytes === before ? 'nothingToCopy' : 'success');
  }
  const { chains } = await findChains(offsite);
  const sizes = chains.flatMap(({ record }) =>
    record.points.map(({ disks }) => String(disks[0]!.virtualSizeBytes)),
  );
  expect(sizes).toEqual(expected);
});

it('an undated file whose stamps prove nothing is read each night, and copied when it has changed', async () => {
  const path = join(folder, 'primary', 'web01.img');
  const source = { id: 'primary', rootPath: join(folder, 'primary'), readOnly: true };
  primary = await openDirectoryRepository({ ...source, stampsProve: false });
  const results: string[] = [];
  for (const [day, last] of [2, 2, 2, 7, 7].entries()) {
    await writeFile(path, Buffer.concat([blockOf(1), blockOf(last)]));
    const date = new Date(NOW_MS - (20 - day) * DAY_MS);
    await utimes(path, date, date);
    const { result } = await new LocalSessions([primary, offsite]).tryToCopy(
      testJob({ retention: { type: 'restorePoints', value: 9 } }),
      NOW_MS + day * DAY_MS,
    );
    results.push(result);
  }
  expect(results).toEqual([
    ...['success', 'nothingToCopy', 'nothingToCopy'],
    ...['success', 'nothingToCopy'],
  ]);
  const { chains } = await findChains(offsite);
  expect(chains[0]!.record.points.map(({ createdAt }) => createdAt)).toEqual([
    new Date(NOW_MS - 20 * DAY_MS).toISOString(),
    new Date(NOW_MS - 17 * DAY_MS).toISOString(),
  ]);
});

it.each([
  ['raw', 'raw', () => ({ disk: 'web01.img' })],
  ['azure', 'vhd', () => ({ disk: 'web01.vhd' })],
  [
    'nutanix',
    'raw',
    (day: number) => ({ disk: `web01-2f9c1d3e-58b4-4d1b-9a52-0c6f7b3d9e01-2026112${day}` }),
  ],
  [
    'hyperv',
    'vhdx',
    () => ({
      disk: 'web01/Virtual Hard Disks/web01.vhdx',
      text: `web01/Virtual Machines/${MACHINE}.vmcx`,
    }),
  ],
  [
    'windows',
    'vhdx',
    (day: number) => ({
      disk: `WindowsImageBackup/PC/Backup 2026-11-2${day} 010000/c.vhdx`,
      text: `WindowsImageBackup/PC/Backup 2026-11-2${day} 010000/BackupSpecs.xml`,
    }),
  ],
] as const)(
  'a source of %s that keeps its newest full alone is copied every day, and is no recreated chain',
  async (_, format, pathsOf) => {
    for (const day of [1, 2]) {
      await rm(join(folder, 'primary'), { recursive: true });
      await mkdir(join(folder, 'primary'));
      primary = await openDirectoryRepository({
        ...{ id: 'primary', rootPath: join(folder, 'primary'), readOnly: false },
      });
      const paths: { readonly disk: string; readonly text?: string } = pathsOf(day);
      for (const [path, bytes] of [
        [paths.disk, await disk(format, day)],
        [paths.text, Buffer.from('<x/>')],
      ] as const) {
        if (path === undefined) continue;
        const file = join(folder, 'primary', path);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, bytes);
        const date = new Date(NOW_MS - (20 - day) * DAY_MS);
        await utimes(file, date, date);
      }
      const outcome = await new LocalSessions([primary, offsite]).copy(
        testJob({ retention: { type: 'restorePoints', value: 9 } }),
        NOW_MS + day * DAY_MS,
      );
      expect(outcome.result).toBe('success');
    }
    const { chains } = await findChains(offsite);
    expect(chains.map(({ record }) => record.points.map(({ kind }) => kind))).toEqual([
      ['full', 'increment'],
    ]);
  },
);
