import { describe, expect, it } from 'vitest';
import { restoredFiles } from '../../../src/mover/restore/restored-files.js';

type Content = Parameters<typeof restoredFiles>[0];
type Disk = Content['disks'][number];
type Companion = Content['companions'][number];

const disk = (name: string, more: Partial<Disk> = {}): Disk => ({
  disk: name,
  format: 'qcow2',
  ...more,
});
const companion = (path: string, more: Partial<Companion> = {}): Companion => ({ path, ...more });
const CONTENT: Content = {
  disks: [
    disk('vda', { as: 'mail01/disks/root.qcow2', modifiedAtNs: '17', mode: 0o640 }),
    disk('vd b/1', { format: 'vmdk', as: 'mail01/disks/data.vmdk' }),
    // A large file that describes the machine or lies beside it: no disk, whatever is asked for.
    disk('nvram', { format: 'raw', isCompanion: true, as: 'mail01/boot/nvram.bin' }),
  ],
  companions: [
    companion('2026/mail01.ovf', { as: 'mail01/mail01.ovf' }),
    companion('2026/notes.txt'),
  ],
};
const names = (...asked: Parameters<typeof restoredFiles>) =>
  restoredFiles(...asked).map(({ name }) => name);

describe('the files of a restore', () => {
  it('put no qcow2 under the name of a VMDK, in the layout of its tool', () => {
    const content = { disks: [disk('scsi0-0', { as: 'web01/web01.vmdk' })], companions: [] };
    expect(() => names(content, { format: 'same', layout: true })).toThrow(
      expect.objectContaining({ code: 'RESTORE_FORMAT_UNSUITED' }),
    );
    expect(names(content, { format: 'same' })).toEqual(['scsi0-0.qcow2']);
  });

  it.each<[string, Parameters<typeof restoredFiles>[1], string[]]>([
    [
      'side by side, as they are',
      { format: 'same' },
      ['vda.qcow2', 'vd%20b%2F1.vmdk', 'nvram.bin', 'mail01.ovf', 'notes.txt'],
    ],
    [
      'as raw disks',
      { format: 'raw' },
      ['vda.raw', 'vd%20b%2F1.raw', 'nvram.bin', 'mail01.ovf', 'notes.txt'],
    ],
    [
      'as qcow2',
      { format: 'qcow2' },
      ['vda.qcow2', 'vd%20b%2F1.qcow2', 'nvram.bin', 'mail01.ovf', 'notes.txt'],
    ],
    [
      'where their tool looks for them',
      { format: 'same', layout: true },
      [
        'mail01/disks/root.qcow2',
        'mail01/disks/data.vmdk',
        'mail01/boot/nvram.bin',
        'mail01/mail01.ovf',
        'notes.txt',
      ],
    ],
  ])('lie %s', (_, input, expected) => {
    expect(names(CONTENT, input)).toEqual(expected);
  });

  it('have the time and mode that the copy keeps, where it keeps some', () => {
    const [root, data] = restoredFiles(CONTENT, { format: 'same' });
    expect(root!.traits).toMatchObject({ modifiedAtNs: '17', mode: 0o640 });
    expect(data!.traits.modifiedAtNs).toBeUndefined();
  });

  it('get a number where two would have one name', () => {
    const companions = [
      companion('a/notes.txt'),
      companion('b/notes.txt'),
      companion('c/NOTES.txt'),
    ];
    expect(names({ disks: [], companions }, { format: 'same' })).toEqual([
      ...['notes.txt', '2-notes.txt', '3-NOTES.txt'],
    ]);
  });

  it.each<[string, Content]>([
    [
      'two of one name',
      { disks: [disk('a', { as: 'x' }), disk('b', { as: 'X' })], companions: [] },
    ],
    ['a path that leads out of it', { disks: [disk('a', { as: '../x' })], companions: [] }],
    [
      'a file that is a folder, too',
      { disks: [disk('a', { as: 'x' })], companions: [companion('c', { as: 'x/y' })] },
    ],
  ])('are refused where no tree holds them: %s', (_, content) => {
    expect(() => names(content, { format: 'same', layout: true })).toThrow(
      'cannot lie in one tree',
    );
  });
});
