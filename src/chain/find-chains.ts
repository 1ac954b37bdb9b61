import { CHAIN_RECORD_NAME } from './chain-paths.js';
import type { ChainRecord } from './chain-record.js';
import { readChainRecord } from './chain-store.js';
import type { BackupRepository } from '../repository/backup-repository.js';

/** All of Longhaul's chains in a repository: `<job>/<workload>/chain.json`. A chain whose record cannot be trusted throws: what is not
 *  known is never taken for absent.
 *  @throws CHAIN_RECORD_CORRUPT */
export async function findChains(
  repository: BackupRepository,
): Promise<{ folder: string; record: ChainRecord }[]> {
  const chains: { folder: string; record: ChainRecord }[] = [];
  for (const job of await repository.list('')) {
    if (job.type !== 'folder') continue;
    for (const workload of await repository.list(job.path)) {
      if (workload.type !== 'folder') continue;
      const entry = await repository.stat(`${workload.path}/${CHAIN_RECORD_NAME}`);
      if (entry?.type !== 'file') continue;
      const record = await readChainRecord(repository, workload.path);
      if (record !== null) chains.push({ folder: workload.path, record });
    }
  }
  return chains;
}
