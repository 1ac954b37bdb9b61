import type { ChainPlace } from '../../chain/chain-place.js';
import { stagingFolder } from '../../chain/chain-paths.js';
import type { ChainRecord } from '../../chain/chain-record.js';
import { readChainRecord } from '../../chain/chain-store.js';
import { firstTexts } from '../../domain/sentences.js';
import { BY_A_RUN_BEFORE } from '../../domain/sessions/kept-answers.js';
import { quarantinedText } from '../../domain/targets/damage.js';
import { MARK_STAGING_ID, TAKE_STAGING_ID } from '../../domain/targets/staging-id.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import { keepAnswer, keptBy } from '../staging/kept-answers.js';
import { discardStaging } from '../staging/staging.js';
import type { MoverContext } from '../task/mover-context.js';

/** What was found when a chain was taken over is settled then and found no more. It lies in the staging folder `take` until a session has written down that it
 *  told it: a look may fail behind it, and an answer may be lost for good. */

/** What was found, with what lies there. @param found by this attempt */
export async function withTakenNotes(
  { repository, chain }: ChainPlace,
  owner: string,
  found: readonly string[],
): Promise<string[]> {
  const kept = await keptBy<string[]>(repository, chain, TAKE_STAGING_ID);
  const before = kept?.answer ?? [];
  const isOwn = kept?.token === owner;
  const known = isOwn ? before : before.map(asOfRunBefore);
  const answer = [...firstTexts([...new Set([...known, ...found])])];
  if (answer.length > 0 && (!isOwn || answer.length > before.length))
    await keepAnswer(repository, chain, TAKE_STAGING_ID, { token: owner, answer });
  return answer;
}

function asOfRunBefore(text: string): string {
  return text.startsWith(BY_A_RUN_BEFORE) ? text : `${BY_A_RUN_BEFORE}: ${text}`;
}

/** What a health check has set aside, and perhaps told nobody: its answer was lost for good. One that told it has dropped it. */
export async function markedNotes(
  { repository, chain }: ChainPlace,
  { points }: Pick<ChainRecord, 'points'>,
): Promise<string[]> {
  const kept = await keptBy<{ quarantined?: string[] }>(repository, chain, MARK_STAGING_ID);
  const gone = (kept?.answer?.quarantined ?? []).filter(
    (id) => !points.some((point) => point.id === id),
  );
  return gone.length === 0 ? [] : [`${BY_A_RUN_BEFORE}: ${quarantinedText(gone)}`];
}

/** The same of that, once it is told. */
export async function dropMarked(context: MoverContext, input: OwnedChain): Promise<void> {
  const repository = await ownedBy(context, input);
  if (repository !== null)
    await discardStaging(repository, stagingFolder(input.chain, MARK_STAGING_ID));
}

/** null: another one owns the chain by now. */
async function ownedBy(
  context: MoverContext,
  { targetRepositoryId, chain, owner }: OwnedChain,
): Promise<BackupRepository | null> {
  const repository = await context.repository(targetRepositoryId);
  const record = await readChainRecord(repository, chain);
  return record?.owner === owner ? repository : null;
}

interface OwnedChain {
  readonly targetRepositoryId: string;
  readonly chain: string;
  readonly owner: string;
}

/** Drops what was kept for this owner. Nothing is done where another one owns the chain by now: it tells it again. */
export async function dropTakenNotes(context: MoverContext, input: OwnedChain): Promise<void> {
  const { chain, owner } = input;
  const repository = await ownedBy(context, input);
  if (repository === null) return;
  const kept = await keptBy<string[]>(repository, chain, TAKE_STAGING_ID);
  if (kept?.token !== owner) return;
  await discardStaging(repository, stagingFolder(chain, TAKE_STAGING_ID));
}
