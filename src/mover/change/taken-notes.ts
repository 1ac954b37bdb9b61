import type { ChainPlace } from '../../chain/chain-place.js';
import { stagingFolder } from '../../chain/chain-paths.js';
import { readChainRecord } from '../../chain/chain-store.js';
import { firstTexts } from '../../domain/sentences.js';
import { BY_A_RUN_BEFORE } from '../../domain/sessions/kept-answers.js';
import { TAKE_STAGING_ID } from '../../domain/targets/staging-id.js';
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

/** Drops what was kept for this owner. Nothing is done where another one owns the chain by now: it tells it again. */
export async function dropTakenNotes(
  context: MoverContext,
  input: { readonly targetRepositoryId: string; readonly chain: string; readonly owner: string },
): Promise<void> {
  const { targetRepositoryId, chain, owner } = input;
  const repository = await context.repository(targetRepositoryId);
  const record = await readChainRecord(repository, chain);
  if (record === null || record.owner !== owner) return;
  const kept = await keptBy<string[]>(repository, chain, TAKE_STAGING_ID);
  if (kept?.token !== owner) return;
  await discardStaging(repository, stagingFolder(chain, TAKE_STAGING_ID));
}
