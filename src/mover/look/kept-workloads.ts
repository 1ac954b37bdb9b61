import { chainFolder, jobFolder } from '../../chain/chain-paths.js';
import { chainsIn, walkOwnChains } from '../../chain/find-chains.js';
import type { ChainRecord } from '../../chain/chain-record.js';
import { isMissed, missedLook, ownAbsence } from '../../domain/retention/absence.js';
import type {
  AbsentWorkload,
  KeptPage,
  KeptWorkload,
  LookedFor,
} from '../../domain/retention/absent-workloads.js';
import type { CopyJob } from '../../domain/jobs/copy-job.js';
import type { UnreadablePart } from '../../domain/targets/unreadable-part.js';
import { jsonBytes } from '../../domain/sessions/task-brief.js';
import type { SourceRepository } from '../../repository/backup-repository.js';
import { treesOfJob } from '../../tree/find-trees.js';
import { pointsAsRestorePoints } from '../../tree/show-tree.js';
import { readTreeRecord } from '../../tree/tree-store.js';
import { absenceStanding } from '../change/note-absence.js';
import type { MoverContext } from '../task/mover-context.js';
import { StillThere } from './still-there.js';

export interface LookForAbsentInput {
  readonly targetRepositoryId: string;
  readonly jobId: string;
  readonly workloads: readonly LookedFor[];
  readonly afterDays: number;
  readonly nowMs: number;
  /** `CopyJob.origin`. */
  readonly origin?: string;
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
    /** `CopyJob.origin`. */
    readonly origin?: string;
    /** Folder of the last chain of the page before; null: the first page. */
    readonly after: string | null;
  },
): Promise<KeptPage> {
  const { targetRepositoryId, jobId, origin, after } = input;
  const job = { id: jobId, ...(origin === undefined ? {} : { origin }) };
  return keptPage(await context.source(targetRepositoryId), job, after);
}

export async function keptPage(
  repository: SourceRepository,
  { id, origin }: Pick<CopyJob, 'id' | 'origin'>,
  after: string | null,
): Promise<KeptPage> {
  const folder = jobFolder(id);
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
  for await (const found of keptRecords(repository, folder, isWanted, after)) {
    if (!('record' in found)) {
      if (unreadable.length === MAX_UNREADABLE) return page(next);
      unreadable.push({ path: found.path, code: found.code, reason: found.reason });
      next = found.place;
      continue;
    }
    const newest = found.record.points.at(-1);
    if (newest === undefined) continue;
    const { workload, presence } = found.record;
    const absence = ownAbsence(presence, origin);
    const kept = {
      id: workload.id,
      name: workload.name,
      repositoryId: newest.source.repositoryId,
      wasMissed: absence !== null,
      ...(absence === null ? {} : { lastMissedAt: absence.lastMissedAt }),
    };
    bytes += jsonBytes(kept);
    if (bytes > PAGE_BYTES && workloads.length > 0) return page(next);
    workloads.push(kept);
    next = found.place;
  }
  return page(null);
}

/** Of a tree, in `KeptPage.next`: they come behind the chains. */
const TREE_PLACE = 'tree:';

type Kept = { readonly place: string } & (
  | { readonly record: Pick<ChainRecord, 'workload' | 'presence'> & { readonly points: Sources } }
  | UnreadablePart
);
type Sources = readonly { readonly source: { readonly repositoryId: string } }[];

/** Chains and then trees of a job, behind a place. */
async function* keptRecords(
  repository: SourceRepository,
  job: string,
  isWanted: (path: string) => boolean,
  after: string | null,
): AsyncGenerator<Kept> {
  if (after?.startsWith(TREE_PLACE) !== true)
    for await (const found of walkOwnChains(repository, isWanted))
      yield { ...found, place: 'record' in found ? found.folder : found.path };
  const { trees, unreadable } = await treesOfJob(repository, job);
  const parts: Kept[] = [
    ...trees.map(({ folder, record }) => ({ record, place: TREE_PLACE + folder })),
    ...unreadable
      .filter(({ path }) => path !== job)
      .map((part) => ({ ...part, place: TREE_PLACE + part.path })),
  ];
  const first = after?.startsWith(TREE_PLACE) === true ? after : '';
  yield* parts.filter(({ place }) => place > first).sort((a, b) => (a.place < b.place ? -1 : 1));
}

/** What is to be done about these workloads. A chain that has gone meanwhile is passed over, and one whose workload is seen again of which another session
 *  has entered that meanwhile. */
export async function lookForAbsent(
  context: MoverContext,
  input: LookForAbsentInput & { readonly immutableForDays: number },
): Promise<AbsentWorkload[]> {
  const { jobId, workloads, afterDays, nowMs, immutableForDays, origin } = input;
  const repository = await context.source(input.targetRepositoryId);
  const looks: AbsentWorkload[] = [];
  const stillThere = new StillThere(context);
  for (const { id, isSeen } of workloads)
    for (const { record, isTree, newestFiles } of await recordsIn(
      repository,
      chainFolder(jobId, id),
    )) {
      const { workload, presence } = record;
      const newest = record.points.at(-1);
      const held =
        isSeen || newest === undefined
          ? null
          : await stillThere.standing(workload.id, newest.source.repositoryId, newestFiles);
      if (held !== null) {
        const look = { workload, standing: held, ...(isTree ? { isTree } : {}) };
        // Its files were seen: days that were counted before count no more.
        if (isMissed(presence)) looks.push({ ...look, isSeen: true, isNews: true });
        looks.push({ ...look, isSeen, isNews: false });
        continue;
      }
      const next = isSeen ? presence : missedLook(presence, nowMs, afterDays, origin);
      if (!isMissed(next)) continue;
      const rule = { afterDays, immutableForDays };
      const { state, text } = absenceStanding({ ...record, presence: next }, rule, nowMs);
      const isNews = isSeen || next !== presence || state === 'due';
      const look = { workload, isSeen, standing: { state, text }, isNews };
      looks.push(isTree ? { ...look, isTree } : look);
    }
  return looks;
}

async function recordsIn(
  repository: SourceRepository,
  folder: string,
): Promise<
  {
    record: Pick<ChainRecord, 'workload' | 'presence' | 'points'>;
    isTree: boolean;
    newestFiles: readonly string[] | null;
  }[]
> {
  const chains = await chainsIn(repository, [folder]);
  if (chains.length > 0)
    return chains.map(({ record }) => ({ record, isTree: false, newestFiles: null }));
  const tree = await readTreeRecord(repository, folder);
  if (tree === null || tree.points.length === 0) return [];
  const record = { ...tree, points: pointsAsRestorePoints(tree) };
  const newestId = record.points.at(-1)?.id;
  // Of a store no file is one point's.
  const newestFiles = tree.points.find(({ id }) => id === newestId)?.files ?? [];
  return [{ record, isTree: true, newestFiles }];
}
