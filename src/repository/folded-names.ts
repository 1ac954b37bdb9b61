import { faultOfTargetFile } from '../domain/trees/one-file-fault.js';
import type { NamesTold } from '../domain/trees/tree-path.js';
import type { BackupRepository } from './backup-repository.js';

/** An accent that stands behind its letter, and the letter that has it. */
const ENCODINGS = ['accent-e\u0301', 'accent-\u00e9'] as const;
const CASES = ['case', 'CASE'] as const;

/** Which names the storage of a folder takes for one: tried, for no file system tells. Empty files are left behind.
 *  @param folder that is there, and is the caller's own */
export async function foldingOf(repository: BackupRepository, folder: string): Promise<NamesTold> {
  const areTwo = async ([written, other]: readonly [string, string]): Promise<boolean> => {
    try {
      await repository.putNew(`${folder}/${written}`, Buffer.alloc(0));
      return (await repository.stat(`${folder}/${other}`)) === null;
    } catch (error) {
      // Storage that refuses one of them never takes it for the other.
      if (faultOfTargetFile(error) === 'nameRefused') return true;
      throw error;
    }
  };
  return { caseSensitive: await areTwo(CASES), accentSensitive: await areTwo(ENCODINGS) };
}
