/** Lines that restore without Longhaul: every disk of a copy is a file that qemu-img reads, with the files it builds on. */

import type { RestorePointView } from '../../domain/targets/repository-view.js';
import type { RestoreFormat } from '../../domain/sources/restore-point.js';
import { shellWord } from './format.js';

type PointFiles = RestorePointView['files'];

/** @param folder of the repository on the machine of its worker */
export function stockToolLines(folder: string, files: PointFiles): string[] {
  return files.flatMap(({ disk, path, format }) => {
    const file = shellWord(`${folder.replace(/\/$/, '')}/${path}`);
    const check = format === 'raw' ? [] : [`qemu-img check -f ${format} ${file}`];
    return [...check, `qemu-img convert -f ${format} -O raw ${file} ${shellWord(`${disk}.raw`)}`];
  });
}

export interface RestoreChoice {
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
