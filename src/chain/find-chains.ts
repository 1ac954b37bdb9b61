import { CHAIN_RECORD_NAME } from './chain-paths.js';
import type { ChainRecord } from './chain-record.js';
import { readChainRecord } from './chain-store.js';
import { isFolderPassedOver } from '../domain/passed-over.js';
import type { BackupRepository } from '../repository/backup-repository.js';

export interface FoundChain {
  /** Path within the repository. */
  readonly folder: string;
  readonly record: ChainRecord;
}

/** All of Longhaul's chains in a repository: `<job>/<workload>/chain.json`. A chain whose record cannot be trusted throws: what is not
 *  known is never taken for absent.
 *  @throws CHAIN_RECORD_CORRUPT */
export async function findChains(repository: BackupRepository): Promise<FoundChain[]> {
  const folders: string[] = [];
  for (const job of await repository.list('')) {
    // A chain in the recycle bin of a NAS is gone.
    if (job.type !== 'folder' || isFolderPassedOver(job.name)) continue;
    for (const { type, path } of await repository.list(job.path))
      if (type === 'folder') folders.push(path);
  }
  return chainsIn(repository, folders);
}

/** The chains that lie in these very folders, in their order; a folder without one is passed over.
 *  @throws CHAIN_RECORD_CORRUPT */
export async function chainsIn(
  repository: BackupRepository,
  folders: readonly string[],
): Promise<FoundChain[]> {
  const chains: FoundChain[] = [];
  for (const folder of folders) {
    if (folder === '') continue; // the root holds chains, it is none
    const entry = await repository.stat(`${folder}/${CHAIN_RECORD_NAME}`);
    if (entry?.type !== 'file') continue;
    const record = await readChainRecord(repository, folder);
    if (record !== null) chains.push({ folder, record });
  }
  return chains;
}
