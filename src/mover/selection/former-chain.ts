import { chainFolder } from '../../chain/chain-paths.js';
import { availablePoints, type ChainRecord } from '../../chain/chain-record.js';
import { readChainRecord } from '../../chain/chain-store.js';
import { holdsFiles } from '../../repository/holds-files.js';
import { isBackupError, isStorageFault } from '../../domain/errors.js';
import { quotedNames } from '../../domain/sentences.js';
import type { SourceRepository } from '../../repository/backup-repository.js';
import type { MoverContext } from '../task/mover-context.js';
import type { CopyPlace } from '../source/copy-place.js';
import { sourceWorkload } from '../source/source-catalogue.js';
import { identifiedPoints } from '../source/source-points.js';

interface FormerChainInput extends CopyPlace {
  readonly jobId: string;
  /** `soleFormerIds` of the workload. */
  readonly formerIds: readonly string[];
}

/** Copies of a workload that lie under an id that it had before. */
export interface FormerChain {
  /** Id under which those lie that are to be taken over; null: nothing proves which. */
  readonly workloadId: string | null;
  /** What is said of those that stay, in plain words; null: none do. */
  readonly text: string | null;
}

/** Looks for them before the first copy of a workload: where one of its points lies untouched as it was copied there, they are its own. Two machines must not be taken for one, so
 *  nothing else proves it.
 *  Where it has copies under its own id by now the others are told: a session that did not see all of a source took none over.
 *  @returns null: there are none */
export async function findFormerChain(
  context: MoverContext,
  input: FormerChainInput,
): Promise<FormerChain | null> {
  const { targetRepositoryId, sourceRepositoryId, workloadId, jobId, chain, formerIds } = input;
  const target = await context.source(targetRepositoryId);
  const isBegun = await holdsFiles(target, chain);
  const found: { readonly id: string; readonly record: ChainRecord }[] = [];
  for (const id of formerIds) {
    const record = await recordIfReadable(target, chainFolder(jobId, id));
    // A move that was stopped has named it in the record already.
    const isOwn = record?.jobId === jobId && [id, workloadId].includes(record.workload.id);
    const newest = isOwn ? availablePoints(record).at(-1) : undefined;
    if (record !== null && newest?.source.repositoryId === sourceRepositoryId)
      found.push({ id, record });
  }
  if (found.length === 0) return null;
  if (isBegun) return { workloadId: null, text: stayText(jobId, found.map(idOf), isBegun) };
  const workload = await sourceWorkload(context, input);
  const proven = found.filter(
    ({ record }) =>
      record.workload.id === workloadId ||
      identifiedPoints(workload, record, sourceRepositoryId, null).some(
        ({ identity }) => identity.is === 'copied',
      ),
  );
  const [own, ...others] = proven;
  if (own !== undefined && others.length === 0) {
    const rest = found.map(idOf).filter((id) => id !== own.id);
    return { workloadId: own.id, text: rest.length === 0 ? null : stayText(jobId, rest, isBegun) };
  }
  return { workloadId: null, text: stayText(jobId, found.map(idOf), isBegun) };
}

function idOf({ id }: { readonly id: string }): string {
  return id;
}

/** @param isBegun it has copies under its own id */
function stayText(jobId: string, ids: readonly string[], isBegun: boolean): string {
  const list = quotedNames(ids);
  const why = isBegun
    ? `it has a chain of its own, and copies under ${list} may be of it, too: they stay, and no retention removes them`
    : `nothing proves that the copies under ${list} are of it: they stay, no retention removes them, and a new chain begins`;
  return `it had another id before (what lies beside it tells which), and ${why}; \`longhaul job detach ${jobId} '${ids[0]}'\` takes them from the job, and \`longhaul restore-point remove\` removes them`;
}

async function recordIfReadable(
  target: SourceRepository,
  folder: string,
): Promise<ChainRecord | null> {
  try {
    return await readChainRecord(target, folder);
  } catch (error) {
    if (isBackupError(error) && !isStorageFault(error)) return null;
    throw error;
  }
}
