import { BackupError } from '../../../src/domain/errors.js';
import { storageError } from '../../../src/repository/storage-error.js';
import type { SimulatedRepository } from './simulated-repository.js';

const SECTOR_BYTES = 4096;

/** From now on the storage cannot read the sectors of a file in which these bytes lie (EIO), until they are written: a disk puts a spare one in
 *  the place of a sector that it cannot read then.
 *  @param isWritable false: it has no spare ones */
export function breakSectors(
  repository: SimulatedRepository,
  path: string,
  offsets: readonly number[],
  isWritable = true,
): void {
  const bad = new Set(offsets.map((offset) => Math.floor(offset / SECTOR_BYTES)));
  const isHit = (offset: number, length: number): number[] =>
    [...bad].filter(
      (sector) => sector * SECTOR_BYTES < offset + length && (sector + 1) * SECTOR_BYTES > offset,
    );
  const openRead = repository.openRead.bind(repository);
  repository.openRead = async (asked) => {
    const file = await openRead(asked);
    if (asked !== path) return file;
    return {
      ...file,
      read: (target, offset) =>
        isHit(offset, target.length).length > 0
          ? Promise.reject(inputOutputError(repository.id, 'read', path))
          : file.read(target, offset),
    };
  };
  const openWrite = repository.openWrite.bind(repository);
  repository.openWrite = async (asked, create) => {
    const file = await openWrite(asked, create);
    if (asked !== path) return file;
    return {
      ...file,
      read: (target, offset) =>
        isHit(offset, target.length).length > 0
          ? Promise.reject(inputOutputError(repository.id, 'read', path))
          : file.read(target, offset),
      write: async (source, offset) => {
        const hit = isHit(offset, source.length);
        if (hit.length > 0 && !isWritable) throw inputOutputError(repository.id, 'write', path);
        await file.write(source, offset);
        for (const sector of hit) bad.delete(sector);
      },
    };
  };
  forgetOthers(repository, path, bad);
}

/** Another file of this name lies elsewhere. */
function forgetOthers(repository: SimulatedRepository, path: string, bad: Set<number>): void {
  const rename = repository.rename.bind(repository);
  repository.rename = async (from, to) => {
    await rename(from, to);
    if (to === path) bad.clear();
  };
  const unlink = repository.unlink.bind(repository);
  repository.unlink = async (asked) => {
    await unlink(asked);
    if (asked === path) bad.clear();
  };
}

function inputOutputError(repositoryId: string, intent: 'read' | 'write', path: string): Error {
  const error = Object.assign(new Error('EIO: i/o error'), { errno: -5, code: 'EIO' });
  const fault = storageError(error, { repositoryId, intent, verb: intent, path });
  if (!(fault instanceof BackupError)) throw error;
  return fault;
}
