import { STAGING_FOLDER } from '../../chain/chain-paths.js';
import type { ChainRecord } from '../../chain/chain-record.js';
import { ownedChainRecord } from '../../chain/chain-store.js';
import { fullStagingId, isFullStagingId } from '../../domain/targets/staging-id.js';
import type { BackupRepository, RepositoryEntry } from '../../repository/backup-repository.js';
import type { MoverContext } from '../task/mover-context.js';
import { discardStaging } from './staging.js';

/** What lies staged of fulls that were to take the place of a point's files, but for those of `wanted` points. One that the record has announced
 *  already belongs to that change. Reads only. */
export async function unwantedFulls(
  repository: BackupRepository,
  chain: string,
  { pending }: ChainRecord,
  wanted: readonly string[],
): Promise<RepositoryEntry[]> {
  const kept = new Set(wanted.map(fullStagingId));
  if (pending?.type === 'replace') kept.add(fullStagingId(pending.pointId));
  const entries = await repository.list(`${chain}/${STAGING_FOLDER}`);
  return entries.filter(
    ({ type, name }) => type === 'folder' && isFullStagingId(name) && !kept.has(name),
  );
}

/** Takes them away: what was staged of them can be written again at any time, and takes room until then. Only the owner of the chain may call it.
 *  @returns names of the staging folders
 *  @throws STALE_EPOCH */
export async function discardStagedFulls(
  context: MoverContext,
  input: {
    readonly targetRepositoryId: string;
    readonly chain: string;
    readonly epoch: number;
    readonly wanted: readonly string[];
  },
): Promise<{ discarded: string[] }> {
  const { targetRepositoryId, chain, epoch, wanted } = input;
  const repository = await context.repository(targetRepositoryId);
  const record = await ownedChainRecord(repository, chain, epoch);
  const entries = await unwantedFulls(repository, chain, record, wanted);
  for (const { path } of entries) await discardStaging(repository, path);
  return { discarded: entries.map(({ name }) => name) };
}
