import type { StorageAbilities } from '../domain/targets/storage-probe.js';
import type { BackupRepository } from './backup-repository.js';

/** A name in lower case whose accent stands behind its letter, in upper case, and with the letter that has the accent. */
const WRITTEN = 'name-e\u0301';
const OTHER_CASE = WRITTEN.toUpperCase();
const OTHER_ENCODING = 'name-\u00e9';

/** Which names the storage of a folder takes for one: tried, for no file system tells. An empty file is left behind.
 *  @param folder that is there, and is the caller's own */
export async function foldingOf(
  repository: BackupRepository,
  folder: string,
): Promise<Pick<StorageAbilities, 'caseSensitive' | 'accentSensitive'>> {
  await repository.putNew(`${folder}/${WRITTEN}`, Buffer.alloc(0));
  const isAbsent = async (name: string) => (await repository.stat(`${folder}/${name}`)) === null;
  return {
    caseSensitive: await isAbsent(OTHER_CASE),
    accentSensitive: await isAbsent(OTHER_ENCODING),
  };
}
