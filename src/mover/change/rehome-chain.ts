import {
  CHAIN_RECORD_COPY_NAME,
  CHAIN_RECORD_NAME,
  STAGING_FOLDER,
} from '../../chain/chain-paths.js';
import type { ChainRecord } from '../../chain/chain-record.js';
import { pointFolders, readChainRecord, writeChainRecord } from '../../chain/chain-store.js';
import { setUncommittedAside, uncommittedText } from '../../chain/quarantine.js';
import { TAKE_STAGING_ID } from '../../domain/targets/staging-id.js';
import { discardStaging } from '../staging/staging.js';
import type { MoverContext } from '../task/mover-context.js';
import { inspectTargetChain, type InspectChainInput } from './inspect-chain.js';
import { rehome, type KeptKind, type Rehomed, type RehomeInput } from './rehome.js';
import { withTakenNotes } from './taken-notes.js';

const CHAIN: KeptKind<ChainRecord> = {
  names: [CHAIN_RECORD_NAME, CHAIN_RECORD_COPY_NAME],
  read: readChainRecord,
  write: writeChainRecord,
  takeOver,
};

/** Gives a chain to another job, as `rehome`.
 *  @returns null: there is no chain */
export function rehomeChain(context: MoverContext, input: RehomeInput): Promise<Rehomed | null> {
  return rehome(context, input, CHAIN);
}

/** A copy that was begun is begun anew by the next session: its plan names files by where they lie. What was set aside goes along in the staging folder `take`,
 *  and that session tells it. */
export async function takeOver(
  context: MoverContext,
  input: Omit<InspectChainInput, 'isSeen'>,
): Promise<ChainRecord> {
  const { record } = await inspectTargetChain(context, input);
  if (record.pending !== null) return record;
  const { chain, owner, targetRepositoryId } = input;
  const repository = await context.repository(targetRepositoryId);
  const listed = new Set(record.points.map(({ id }) => id));
  const uncommitted = (await pointFolders(repository, chain)).filter((id) => !listed.has(id));
  await withTakenNotes({ repository, chain }, owner, uncommitted.map(uncommittedText));
  // In this order: a point's folder without its staging would be one that the record has lost.
  for (const id of uncommitted) await setUncommittedAside(repository, chain, record, id);
  for (const { name, type, path } of await repository.list(`${chain}/${STAGING_FOLDER}`)) {
    if (type !== 'folder') await repository.remove(path);
    else if (name !== TAKE_STAGING_ID) await discardStaging(repository, path);
  }
  await repository.settle([chain]);
  return record;
}
