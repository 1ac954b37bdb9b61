/** Lines that restore without Longhaul: by the format of each file, with qemu-img where it reads that format and what a file builds on. */

import type { RestorePointView } from '../../../domain/targets/repository-view.js';
import type { RestoreFormat } from '../../../domain/targets/restore-format.js';
import { shellWord } from '../../show/format.js';

interface QemuReads {
  /** What qemu calls the format. */
  readonly name: string;
  /** Whether `qemu-img check` knows it; elsewhere it fails. */
  readonly isChecked: boolean;
  /** Whether it follows a file to what that builds on. Of a differencing VHD it shows zeros in place of its parent, and says nothing; of a
   *  VHDX it refuses it. */
  readonly followsParents: boolean;
}

/* eslint-disable no-restricted-syntax -- names of qemu, for the formats that its tool reads; a format without a line here is copied as it is */
/** By the formats of files. Source: qemu-img 7.2, tried on files that qemu-img, Hyper-V and Windows wrote. */
const QEMU: Readonly<Record<string, QemuReads>> = {
  qcow2: { name: 'qcow2', isChecked: true, followsParents: true },
  raw: { name: 'raw', isChecked: false, followsParents: true },
  vmdk: { name: 'vmdk', isChecked: true, followsParents: true },
  'vmdk-stream': { name: 'vmdk', isChecked: true, followsParents: true },
  vhd: { name: 'vpc', isChecked: false, followsParents: false },
  vhdx: { name: 'vhdx', isChecked: true, followsParents: false },
};
/* eslint-enable no-restricted-syntax */

const NEEDS_ITS_PARENTS =
  '# it builds on older ones, which qemu-img does not read: restore it with Longhaul, or let Hyper-V read it with them';

/** @param folder of the repository on the machine of its worker
 *  @param files those of its disks that are wanted */
export function stockToolLines(
  folder: string,
  { kind, workloadType }: Pick<RestorePointView, 'kind' | 'workloadType'>,
  files: RestorePointView['files'],
): string[] {
  const isAlone = kind !== 'increment';
  const at = (path: string) => shellWord(`${folder.replace(/\/$/, '')}/${path}`);
  const lines = files.flatMap(({ disk, path, format }) => {
    const qemu = QEMU[format];
    if (qemu === undefined) return [`cp ${at(path)} .`];
    const { name, isChecked, followsParents } = qemu;
    if (!isAlone && !followsParents) return [NEEDS_ITS_PARENTS];
    return [
      ...(isChecked ? [`qemu-img check -f ${name} ${at(path)}`] : []),
      `qemu-img convert -f ${name} -O raw ${at(path)} ${shellWord(`${disk}.raw`)}`,
    ];
  });
  const isCopied = files.some(({ format }) => QEMU[format] === undefined);
  const further = isCopied && !isAlone ? ['# the files of those that it builds on, too'] : [];
  return [...new Set(lines), ...further, ...(isCopied ? [`# ${taker(workloadType)}`] : [])];
}

function taker(workloadType: string): string {
  return `docs/COMPATIBILITY.md says what takes them from there ("Restored by", the rows ${workloadType})`;
}

interface RestoreChoice {
  readonly repositoryId: string;
  readonly point: string;
  readonly path: string;
  readonly format: RestoreFormat;
  /** null: all. */
  readonly disks: readonly string[] | null;
  readonly intoExisting: boolean;
  readonly layout: boolean;
}

export function restoreCommand(choice: RestoreChoice): string {
  const { repositoryId, point, path, format, disks, intoExisting, layout } = choice;
  return [
    'longhaul restore',
    repositoryId,
    shellWord(point),
    '--to',
    shellWord(path === '' ? '/path/of/a/new/folder' : path),
    '--format',
    format,
    ...(disks === null ? [] : ['--disk', ...disks.map(shellWord)]),
    ...(layout ? ['--layout'] : []),
    ...(intoExisting ? ['--into-existing'] : []),
  ].join(' ');
}
