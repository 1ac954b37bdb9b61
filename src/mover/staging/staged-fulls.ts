import { STAGING_FOLDER } from '../../chain/chain-paths.js';
import type { ChainRecord } from '../../chain/chain-record.js';
import { ownedChainRecord } from '../../chain/chain-store.js';
import { isBackupError } from '../../domain/errors.js';
import {
  DISCARD_STAGING_ID,
  fullStagingId,
  isFullStagingId,
} from '../../domain/targets/staging-id.js';
import type {
  BackupRepository,
  RepositoryEntry,
  SourceRepository,
} from '../../repository/backup-repository.js';
import type { MoverContext } from '../task/mover-context.js';
import { keepAnswer, keptAnswer } from './kept-answers.js';
import { discardStaging } from './staging.js';

/** What lies staged of fulls that were to take the place of a point's files, but for those of `wanted` points. One that the record has announced
 *  already belongs to that change. Reads only. */
export async function unwantedFulls(
  repository: SourceRepository,
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
 *  @param input.call names the call, so that a repeat has the same answer; absent: nobody asks for it
 *  @returns names of the staging folders
 *  @throws STALE_EPOCH */
export async function discardStagedFulls(
  context: MoverContext,
  input: {
    readonly targetRepositoryId: string;
    readonly chain: string;
    readonly epoch: number;
    readonly wanted: readonly string[];
    readonly call?: string;
  },
): Promise<{ discarded: string[] }> {
  const { targetRepositoryId, chain, epoch, wanted, call } = input;
  const repository = await context.repository(targetRepositoryId);
  const record = await ownedChainRecord(repository, chain, epoch);
  const entries = await unwantedFulls(repository, chain, record, wanted);
  const names = entries.map(({ name }) => name);
  const discarded = call === undefined ? names : await keptNames(repository, chain, call, names);
  for (const { path } of entries) await discardStaging(repository, path);
  return { discarded };
}

/** With those that an attempt before has taken away. */
async function keptNames(
  repository: BackupRepository,
  chain: string,
  token: string,
  names: readonly string[],
): Promise<string[]> {
  const before = (await keptAnswer<string[]>(repository, chain, DISCARD_STAGING_ID, token)) ?? [];
  const answer = [...new Set([...before, ...names])];
  // Where there is no room even for this, it is not waited for: room is what is made here.
  if (names.length > 0)
    await keepAnswer(repository, chain, DISCARD_STAGING_ID, { token, answer }).catch(ignoreNoRoom);
  return answer;
}

function ignoreNoRoom(error: unknown): void {
  if (!isBackupError(error, 'REPOSITORY_FULL')) throw error;
}
