import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ChainRecord } from '../../../src/chain/chain-record.js';
import { digestTableHeader } from '../../../src/chain/digests/digest-table.js';
import { FileUnits, NO_SLOTS } from '../../../src/domain/targets/file-units.js';
import type { TargetDisk, TargetRestorePoint } from '../../../src/domain/targets/target-point.js';
import type { PointRestore } from '../../../src/mover/restore/point-restore.js';
import { wantedDisks } from '../../../src/mover/restore/wanted-disks.js';
import { vmaFile } from '../../support/image/vma-file.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

const UNIT = 65_536;
const CHAIN = 'nightly/mail01';

let target: SimulatedRepository;
beforeEach(async () => {
  target = new SimulatedRepository('offsite');
  await target.makePlace(`${CHAIN}/p`);
});

function file(disk: string, more: Partial<TargetDisk> = {}): TargetDisk {
  const digests = { path: `p/${disk}.digests`, algorithm: 'sha256', tableDigest: disk };
  const path = `p/${disk}.img`;
  return { disk, kind: 'full', format: 'qcow2', path, digests, ...more } as unknown as TargetDisk;
}

/** An archive with these devices. */
function archive(disk: string, ...devices: string[]): Promise<TargetDisk> {
  const { bytes } = vmaFile({
    devices: devices.map((name) => ({ name, disk: Buffer.alloc(UNIT, name) })),
  });
  return put(disk, 'vma', bytes);
}

/** A package with these members, as GNU tar makes it. */
async function ova(disk: string, ...names: string[]): Promise<TargetDisk> {
  const folder = await mkdtemp(join(tmpdir(), 'wanted-'));
  try {
    for (const name of names) await writeFile(join(folder, name), Buffer.alloc(UNIT, name));
    const bytes = execFileSync('tar', ['-cf', '-', '-C', folder, ...names]);
    return await put(disk, 'ova', bytes);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function put(disk: string, format: string, bytes: Buffer): Promise<TargetDisk> {
  const units = new FileUnits(NO_SLOTS, bytes.length);
  const entries = Array.from({ length: units.count }, (_, unit) => {
    const whole = Buffer.alloc(UNIT);
    bytes.copy(whole, 0, unit * UNIT);
    return createHash('sha256').update(whole).digest();
  });
  await target.put(`${CHAIN}/p/${disk}.img`, bytes);
  const header = digestTableHeader({ algorithm: 'sha256', units });
  await target.put(`${CHAIN}/p/${disk}.digests`, Buffer.concat([header, ...entries]));
  return file(disk, { format });
}

async function wanted(
  disks: readonly TargetDisk[],
  format: PointRestore['format'],
  names: readonly string[] | null = null,
) {
  const point = {
    id: 'p',
    parentId: null,
    kind: 'full',
    disks,
    companions: [],
  } as unknown as TargetRestorePoint;
  const record = { points: [point], pending: null } as unknown as ChainRecord;
  const input = {
    repositoryId: 'offsite',
    chain: CHAIN,
    format,
    disks: names,
  } as unknown as PointRestore;
  const found = await wantedDisks(new InProcessMover(target).context(), input, record, point);
  return {
    disks: found.disks.map(({ disk }) => disk),
    within: Object.fromEntries(
      [...found.within].map(([name, held]) => [name, held.map(({ disk }) => disk)]),
    ),
  };
}

describe('what is restored in the format of the copy', () => {
  const disks = [file('vda'), file('vdb'), file('nvram', { isCompanion: true })];

  it('is all, or the disks that are named, with what lies beside them', async () => {
    expect(await wanted(disks, 'same')).toEqual({ disks: ['vda', 'vdb', 'nvram'], within: {} });
    expect(await wanted(disks, 'same', ['vdb'])).toEqual({ disks: ['vdb', 'nvram'], within: {} });
    expect(await wanted(disks, 'same', [])).toEqual({ disks: ['nvram'], within: {} });
  });

  it('is a file that holds disks as it is', async () => {
    expect(await wanted([await archive('all', 'a', 'b')], 'same')).toEqual({
      disks: ['all'],
      within: {},
    });
  });

  it.each(['vdc', 'nvram'])('is refused for a disk that there is none of: %s', async (name) => {
    await expect(wanted(disks, 'same', ['vda', name])).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
      message: `the restore point has no disk "${name}"; it has vda, vdb`,
    });
  });
});

describe('what is restored as disks', () => {
  it('is the disks alone, or those that are named', async () => {
    const disks = [file('vda'), file('vdb'), file('nvram', { isCompanion: true })];
    expect(await wanted(disks, 'raw')).toEqual({ disks: ['vda', 'vdb'], within: {} });
    expect(await wanted(disks, 'qcow2', ['vda'])).toEqual({ disks: ['vda'], within: {} });
    await expect(wanted(disks, 'raw', ['nvram'])).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
    });
  });

  it('are those within a file that is kept as it is, by the name of the file or by theirs', async () => {
    const disks = [
      file('vda'),
      await archive('all', 'scsi0', 'scsi1'),
      await archive('more', 'ide0'),
    ];
    expect(await wanted(disks, 'raw')).toEqual({
      disks: ['vda'],
      within: { all: ['scsi0', 'scsi1'], more: ['ide0'] },
    });
    expect(await wanted(disks, 'raw', ['all'])).toEqual({
      disks: [],
      within: { all: ['scsi0', 'scsi1'] },
    });
    expect(await wanted(disks, 'raw', ['scsi1'])).toEqual({
      disks: [],
      within: { all: ['scsi1'] },
    });
    expect(await wanted(disks, 'raw', ['ide0', 'vda'])).toEqual({
      disks: ['vda'],
      within: { more: ['ide0'] },
    });
    await expect(wanted(disks, 'raw', ['scsi2'])).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
      message: expect.stringMatching(/it has vda, all, more, scsi0, scsi1, ide0$/) as unknown,
    });
  });

  it('are told apart by their names', async () => {
    const disks = [await archive('all', 'scsi0'), await archive('more', 'scsi0')];
    await expect(wanted(disks, 'raw')).rejects.toMatchObject({
      code: 'RESTORE_FORMAT_UNSUITED',
      details: { disk: 'scsi0' },
    });
    // Where one file alone is looked into there is no doubt.
    expect(await wanted(disks, 'raw', ['more'])).toEqual({
      disks: [],
      within: { more: ['scsi0'] },
    });
  });

  it('are not a part of a package whose other disks are packed, unless they are named', async () => {
    const disks = [await ova('web', 'web.ovf', 'a.img', 'b.vmdk.gz', 'c.vdi')];
    const inPart = {
      code: 'RESTORE_FORMAT_UNSUITED',
      message: expect.stringMatching(
        /holds "b\.vmdk\.gz", "c\.vdi", which may be a disk/,
      ) as unknown,
      hint: expect.stringMatching(/Restore "a\.img" by name.*--format same/) as unknown,
    };
    for (const format of ['raw', 'qcow2'] as const) {
      await expect(wanted(disks, format)).rejects.toMatchObject(inPart);
      await expect(wanted(disks, format, ['web'])).rejects.toMatchObject(inPart);
    }
    await expect(wanted(disks, 'raw', ['c.vdi'])).rejects.toMatchObject({
      code: 'RESTORE_FORMAT_UNSUITED',
      message: expect.stringMatching(/holds "c\.vdi", which/) as unknown,
    });
    expect(await wanted(disks, 'raw', ['a.img'])).toEqual({
      disks: [],
      within: { web: ['a.img'] },
    });
    const whole = [await ova('db', 'db.ovf', 'db.mf', 'db.img')];
    expect(await wanted(whole, 'raw')).toEqual({ disks: [], within: { db: ['db.img'] } });
  });

  it('are none of a file of which nobody knows what it holds', async () => {
    const disks = [file('vda'), file('dump', { format: 'file' })];
    const unsuited = {
      code: 'RESTORE_FORMAT_UNSUITED',
      details: { disk: 'dump', path: 'p/dump.img' },
    };
    await expect(wanted(disks, 'raw')).rejects.toMatchObject(unsuited);
    await expect(wanted(disks, 'raw', ['dump'])).rejects.toMatchObject(unsuited);
    expect(await wanted(disks, 'raw', ['vda'])).toEqual({ disks: ['vda'], within: {} });
  });
});
