import { chainFolder, jobFolder } from '../../chain/chain-paths.js';
import { chainsIn, walkOwnChains } from '../../chain/find-chains.js';
import { missedLook } from '../../domain/absence.js';
import type {
  AbsentWorkload,
  KeptPage,
  KeptWorkload,
  LookedFor,
} from '../../domain/absent-workloads.js';
import type { UnreadablePart } from '../../domain/repository-view.js';
import { jsonBytes } from '../../domain/task-brief.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import { absenceStanding } from '../change/note-absence.js';
import type { MoverContext } from '../task/mover-context.js';

export interface LookForAbsentInput {
  readonly targetRepositoryId: string;
  readonly jobId: string;
  readonly workloads: readonly LookedFor[];
  readonly afterDays: number;
  readonly nowMs: number;
}

/** About 500 bytes each. */
const MAX_UNREADABLE = 100;

/** An answer may have 2 MiB, and stays in the history. */
const PAGE_BYTES = 500_000;

/** Workloads of which the job keeps copies, page by page; a chain whose record cannot be read is left alone and named. */
export async function listKeptWorkloads(
  context: MoverContext,
  input: {
    readonly targetRepositoryId: string;
    readonly jobId: string;
    /** Folder of the last chain of the page before; null: the first page. */
    readonly after: string | null;
  },
): Promise<KeptPage> {
  const { targetRepositoryId, jobId, after } = input;
  return keptPage(await context.repository(targetRepositoryId), jobId, after);
}

export async function keptPage(
  repository: BackupRepository,
  jobId: string,
  after: string | null,
): Promise<KeptPage> {
  const folder = jobFolder(jobId);
  const isWanted = (path: string) =>
    path === folder || (path.startsWith(`${folder}/`) && (after === null || path > after));
  const workloads: KeptWorkload[] = [];
  let bytes = 0;
  let next: string | null = null;
  const unreadable: UnreadablePart[] = [];
  const page = (last: string | null): KeptPage => ({
    workloads,
    next: last,
    ...(unreadable.length === 0 ? {} : { unreadable }),
  });
  for await (const found of walkOwnChains(repository, isWanted)) {
    if (!('record' in found)) {
      if (unreadable.length === MAX_UNREADABLE) return page(next);
      unreadable.push(found);
      next = found.path;
      continue;
    }
    const newest = found.record.points.at(-1);
    if (newest === undefined) continue;
    const { workload, presence } = found.record;
    const kept = {
      id: workload.id,
      name: workload.name,
      repositoryId: newest.source.repositoryId,
      wasMissed: presence.absence !== null,
    };
    bytes += jsonBytes(kept);
    if (bytes > PAGE_BYTES && workloads.length > 0) return page(next);
    workloads.push(kept);
    next = found.folder;
  }
  return page(null);
}

/** What is to be done about these workloads. A chain that has gone meanwhile is passed over. */
export async function lookForAbsent(
  context: MoverContext,
  input: LookForAbsentInput & { readonly immutableForDays: number },
): Promise<AbsentWorkload[]> {
  const { jobId, workloads, afterDays, nowMs, immutableForDays } = input;
  const repository = await context.repository(input.targetRepositoryId);
  const looks: AbsentWorkload[] = [];
  for (const { id, isSeen } of workloads)
    for (const { record } of await chainsIn(repository, [chainFolder(jobId, id)])) {
      const { workload, presence } = record;
      const next = isSeen ? presence : missedLook(presence, nowMs, afterDays);
      const rule = { afterDays, immutableForDays };
      const { state, text } = absenceStanding({ ...record, presence: next }, rule, nowMs);
      const isNews = isSeen || next !== presence || state === 'due';
      looks.push({ workload, isSeen, standing: { state, text }, isNews });
    }
  return looks;
}
