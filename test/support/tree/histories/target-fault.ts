import { BackupError } from '../../../../src/domain/errors.js';
import type { SimulatedRepository } from '../../repository/simulated-repository.js';
import type { TreeFault } from './tree-event.js';

/** One of the next changes of the target fails, and nothing of it is done. */
export function failOnce(target: SimulatedRepository, { kind, at }: TreeFault): void {
  if (kind !== 'io' && kind !== 'full') return;
  const code = kind === 'io' ? 'REPOSITORY_IO_ERROR' : 'REPOSITORY_FULL';
  let left = at;
  const { rename, openWrite, syncFolder, unlink } = target;
  const fail = (path: string): void => {
    if (left-- === 0) throw new BackupError(code, `${kind} at ${path}`, { details: { path } });
  };
  target.rename = (from, to) => (fail(to), rename.call(target, from, to));
  target.openWrite = (path, create) => (fail(path), openWrite.call(target, path, create));
  target.syncFolder = (path) => (fail(path), syncFolder.call(target, path));
  target.unlink = (path) => (fail(path), unlink.call(target, path));
}

/** Keeps what the target is after each operation that gives or takes a name below a folder: what lies between leaves names and what they stand for as they were. */
export function watchNames(target: SimulatedRepository, folder: string): SimulatedRepository[] {
  const states: SimulatedRepository[] = [];
  const { rename, linkFile, unlink } = target;
  const note = (path: string): void => {
    if (path.startsWith(`${folder}/`)) states.push(target.clone());
  };
  target.rename = async (from, to) => {
    await rename.call(target, from, to);
    note(to);
  };
  target.linkFile = async (from, to) => {
    await linkFile.call(target, from, to);
    note(to);
  };
  target.unlink = async (path) => {
    await unlink.call(target, path);
    note(path);
  };
  return states;
}
