import { CHAIN_RECORD_NAME, QUARANTINE_FOLDER } from './chain-paths.js';
import type { ChainRecord, PendingChange } from './chain-record.js';
import type { BackupRepository } from '../repository/backup-repository.js';
import type { ChainPlace } from './chain-place.js';

/** Moves the folders of points into the quarantine, but for those that the record lists: another copy got their name. */
export async function moveToQuarantine(
  { repository, chain }: ChainPlace,
  { points }: ChainRecord,
  { ids, revision }: Pick<PendingChange & { type: 'quarantine' }, 'ids' | 'revision'>,
): Promise<void> {
  const leaving = ids.filter((id) => !points.some((point) => point.id === id));
  const moves = leaving.map((id) => ({
    from: `${chain}/${id}`,
    to: `${chain}/${QUARANTINE_FOLDER}/${id}-corrupt-${revision}`,
  }));
  await repository.move(moves, chain);
}

/** Moves the folder of a point that was never committed into the quarantine, where one of that name may lie already: several plans can come to nothing
 *  between two records. */
export async function setUncommittedAside(
  repository: BackupRepository,
  chain: string,
  record: ChainRecord,
  id: string,
): Promise<void> {
  const quarantine = `${chain}/${QUARANTINE_FOLDER}`;
  const name = `${quarantine}/${id}-uncommitted-${record.revision}`;
  let to = name;
  for (let number = 2; (await repository.stat(to)) !== null; number++) to = `${name}-${number}`;
  await repository.move([{ from: `${chain}/${id}`, to }], chain);
}

/** What is told of it, wherever the chain lies by then. */
export function uncommittedText(id: string): string {
  return `folder ${id} is not listed in ${CHAIN_RECORD_NAME} and was set aside in ${QUARANTINE_FOLDER} beside it`;
}
