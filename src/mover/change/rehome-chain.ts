import {
  CHAIN_RECORD_COPY_NAME,
  CHAIN_RECORD_NAME,
  STAGING_FOLDER,
} from '../../chain/chain-paths.js';
import type { ChainRecord } from '../../chain/chain-record.js';
import { pointFolders, readChainRecord, writeChainRecord } from '../../chain/chain-store.js';
import { setUncommittedAside } from '../../chain/quarantine.js';
import type { MoverContext } from '../task/mover-context.js';
import { inspectTargetChain } from './inspect-chain.js';
import { rehome, type KeptKind, type Rehomed, type RehomeInput } from './rehome.js';

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

/** A copy that was begun is begun anew by the next session: its plan names files by where they lie. */
async function takeOver(context: MoverContext, input: RehomeInput): Promise<ChainRecord> {
  const { record } = await inspectTargetChain(context, input);
  if (record.pending !== null) return record;
  const { chain, targetRepositoryId } = input;
  const repository = await context.repository(targetRepositoryId);
  const listed = new Set(record.points.map(({ id }) => id));
  // In this order: a point's folder without its staging would be one that the record has lost.
  for (const id of await pointFolders(repository, chain))
    if (!listed.has(id)) await setUncommittedAside(repository, chain, record, id);
  await repository.removeAll(`${chain}/${STAGING_FOLDER}`);
  await repository.settle([chain]);
  return record;
}
