import type { SourceCompanion } from '../../domain/sources/source-workload.js';
import type { ClaimedFile } from '../backup-layout.js';
import { checkpointFile, isCheckpointList, parseStreamName, runOfCompanion } from './names.js';
import type { StreamRun } from './runs.js';

/** Which files beside the disks belong to which run, by its id: what is named after it, its checkpoint, the folder's list of checkpoints, what its definition starts the machine from, and its log:
 *  the run that began last before the log was written. Not the checksum of a stream (`.chksum`): the copy's bytes are others. */
export function companionsOf(
  files: readonly ClaimedFile[],
  runs: readonly (StreamRun & {
    readonly id: string;
    readonly createdAtMs: number;
    readonly bootFiles: readonly string[];
  })[],
): ReadonlyMap<string, readonly SourceCompanion[]> {
  const ofRun = new Map<string, SourceCompanion[]>(runs.map(({ id }) => [id, []]));
  const add = (id: string | undefined, { path, within }: ClaimedFile) =>
    id !== undefined && ofRun.get(id)?.push({ path, as: within });
  const byAge = [...runs].sort((a, b) => a.createdAtMs - b.createdAtMs);
  for (const file of files) {
    const ident = parseStreamName(file.name) === null ? runOfCompanion(file.within) : null;
    const isLog = file.within.endsWith('.log');
    if (isCheckpointList(file.within)) for (const { id } of runs) add(id, file);
    else if (isLog)
      add(byAge.findLast(({ createdAtMs }) => createdAtMs <= writtenMs(file))?.id, file);
    else if (ident === null)
      add(runs.find(({ bootFiles }) => bootFiles.includes(file.within))?.id, file);
    else add(runs.find(({ idents }) => idents.includes(ident))?.id, file);
  }
  for (const { id, checkpoint } of runs) {
    const document = checkpoint === null ? null : checkpointFile(files, checkpoint);
    if (document !== null) add(id, document);
  }
  return ofRun;
}

function writtenMs({ stamp }: ClaimedFile): number {
  return Number(BigInt(stamp.modifiedAtNs) / 1_000_000n);
}
