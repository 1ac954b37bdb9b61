import { workloadTypeOf } from '../../layout/layouts.js';
import {
  fittingIds,
  type FoundWorkload,
  type WorkloadPage,
} from '../../domain/sources/found-workload.js';
import { jsonBytes } from '../../domain/sessions/task-brief.js';
import type { SourceWorkload } from '../../domain/sources/source-workload.js';
import { ALL_ALLOWED } from '../../domain/sources/workload-rules.js';
import { unseenReason, type UnseenPart } from '../../domain/sources/unseen-part.js';
import { listSourceWorkloads } from '../source/source-catalogue.js';
import type { MoverContext } from '../task/mover-context.js';
import { assertIsNoTarget } from './source-guard.js';

/** What stands for a place in a source that is not looked into. Its id is its path, as it is shown. */
export function unseenWorkload(
  part: UnseenPart,
): FoundWorkload & Pick<Required<FoundWorkload>, 'unseen'> {
  const { path, code } = part;
  return { id: path, name: path, type: 'unknown', unseen: { code, reason: unseenReason(part) } };
}

/** The list goes along with every plan of the workload. Ten folders on deep paths are about 1,000 characters. */
const MAX_FOLDER_CHARACTERS = 4_000;
/** An answer may have 2 MiB. */
const MAX_BYTES = 1_000_000;

/** Workloads in a source repository, page by page. @throws SOURCE_IS_TARGET */
export async function enumerateWorkloads(
  context: MoverContext,
  input: {
    readonly repositoryId: string;
    /** Configured repositories that are written to. */
    readonly targetIds: readonly string[];
    readonly after: string | null;
  },
): Promise<WorkloadPage> {
  const { repositoryId, targetIds, after } = input;
  await assertIsNoTarget(context, targetIds, repositoryId);
  const unseen: UnseenPart[] = [];
  const onUnseen = (part: UnseenPart) => unseen.push(part);
  const repository = await context.source(repositoryId);
  const workloads = await listSourceWorkloads(repository, onUnseen, context.facts);
  const page = workloadPage(workloads, after, unseen);
  if (workloads.length > 0) return page;
  const links = (await repository.list('')).filter(({ leadsOut }) => leadsOut === true);
  if (links.length === 0) return page;
  return { ...page, linksOut: links.slice(0, MAX_LINKS).map(({ name }) => name) };
}

/** In a sentence; the source has the rest. */
const MAX_LINKS = 3;

/** A page of workloads as they go through Temporal: those whose ids come after `after`. The folders of one that lies in hundreds are left
 *  out: it costs a look at the whole repository, which is slow, but never too big.
 *  @param unseen what stands beside them and is not looked into */
export function workloadPage(
  workloads: readonly SourceWorkload[],
  after: string | null,
  unseen: readonly UnseenPart[] = [],
): WorkloadPage {
  const rest = [...workloads.map(foundWorkload), ...unseen.map(unseenWorkload)]
    .filter(({ id }) => after === null || id > after)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const page: FoundWorkload[] = [];
  let bytes = 0;
  for (const found of rest) {
    bytes += jsonBytes(found);
    if (bytes > MAX_BYTES && page.length > 0) return { workloads: page, next: page.at(-1)!.id };
    page.push(found);
  }
  return { workloads: page, next: null };
}

function foundWorkload(workload: SourceWorkload): FoundWorkload {
  const { id, otherIds, name, type, folders, tree, isOnlySeen } = workload;
  const isLong = JSON.stringify(folders).length > MAX_FOLDER_CHARACTERS;
  const { title, rules } = workloadTypeOf(type);
  return {
    ...{ id, name, type },
    ...(otherIds === undefined ? {} : { otherIds: fittingIds(otherIds) }),
    ...(isLong ? {} : { folders }),
    ...(isOnlySeen === undefined ? {} : { isOnlySeen }),
    ...(tree === undefined ? {} : { isTree: true as const }),
    ...(rules === ALL_ALLOWED ? {} : { limits: { title, rules } }),
  };
}
