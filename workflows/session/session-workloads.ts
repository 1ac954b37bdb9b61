import { patched } from '@temporalio/workflow';
import { NAMES_OF_JOB, unmatchedLimits } from '../../src/domain/jobs/unmatched-names.js';
import type { CopyJob, SourceSelection, StartOverrides } from '../../src/domain/jobs/copy-job.js';
import { newTask, type CopyTask } from '../../src/domain/sessions/copy-session.js';
import type { CopySettings } from '../../src/domain/jobs/copy-settings.js';
import { soleFormerIds } from '../../src/domain/sources/former-ids.js';
import type { FoundWorkload } from '../../src/domain/sources/found-workload.js';
import { ERROR_CODES, isErrorCode } from '../../src/domain/errors.js';
import { heldTwiceText } from '../../src/domain/sources/one-workload.js';
import { workloadTitles } from '../../src/domain/sources/workload-titles.js';
import { sentences } from '../../src/domain/sentences.js';
import {
  excludedBy,
  isLike,
  namesOfWorkload,
  sourceScope,
} from '../../src/domain/jobs/source-scope.js';
import {
  ALL_ALLOWED,
  passedOverText,
  workloadRuleFaults,
  type WorkloadTypeFacts,
} from '../../src/domain/sources/workload-rules.js';
import { NO_WORKLOAD } from '../../src/domain/sessions/session-result.js';
import { mayHoldWorkloads } from '../../src/domain/sources/unseen-part.js';
import { cut } from '../../src/domain/sessions/task-brief.js';
import { listingActivities } from '../activity-profiles.js';
import { codeOf, isStop, reasonOf } from '../failures.js';
import { ambiguousTasks } from './ambiguous-names.js';
import { unknownNames, type SourceLook } from './unknown-names.js';

export interface SessionWorkload {
  readonly repositoryId: string;
  readonly workload: FoundWorkload;
  /** As its task is called. */
  readonly title: string;
  /** `soleFormerIds` of it; none where not all of the sources was seen. */
  readonly formerIds: readonly string[];
}

/** What the sources of a session show. */
export interface SessionWorkloads {
  /** To be copied, each once, by id. */
  readonly workloads: readonly SessionWorkload[];
  /** Ids of all workloads that the sources show, also those that one may have had before. */
  readonly seen: ReadonlySet<string>;
  /** Also true for a source that shows nothing: a share that is not mounted is an empty folder. */
  readonly hasUnreadSource: boolean;
  /** A task for each source that could not be read or shows nothing, for what in a source is not looked into, for what the job names and no
   *  source has, for what two sources claim, and for each rule of a type of backups that the job breaks. */
  readonly told: readonly CopyTask[];
}

/** Looks into all sources, side by side: one that does not answer holds up no other.
 *  @param isByHand somebody has started the session, and named what it is for */
export async function findWorkloads(
  job: CopyJob,
  overrides: StartOverrides,
  settings: CopySettings,
  isByHand: boolean,
): Promise<SessionWorkloads> {
  const { include } = job.sources;
  const listed = await Promise.all(
    include.map(({ repositoryId }) => listWorkloads(job, repositoryId, settings)),
  );
  const all = asNamed(listed, job, overrides);
  const looks = all.map(withoutOnlySeen);
  const titleOf = workloadTitles(looks.flatMap(({ workloads }) => workloads));
  const ambiguity = ambiguousTasks(job, overrides.workloads, looks);
  const isInScope = taskScope(job);
  const faultsOf = workloadRuleFaults(job);
  const found = new Map<string, ToCopy>();
  // Also what is not taken for what the job names.
  const ids = ({ id, otherIds = [] }: FoundWorkload): string[] => [id, ...otherIds];
  const seen = new Set(listed.flatMap(({ workloads }) => workloads.flatMap(ids)));
  const told = [...ambiguity.tasks];
  let hasUnreadSource = false;
  for (const [index, entry] of include.entries()) {
    const { repositoryId, workloads, failure, linksOut } = looks[index]!;
    if (failure !== null) told.push(failure);
    const shown = workloads.filter(({ unseen }) => unseen === undefined);
    const isEmpty = shown.length === 0 && !workloads.some(isUnreadStore);
    if (isEmpty && failure === null) told.push(emptySource(repositoryId, linksOut));
    // What lies under a name or in a place that cannot be read may be the workload that seems to be gone.
    const isUnread = workloads.some(isUnreadPart);
    hasUnreadSource ||= shown.length === 0 || isUnread;
    const broken = new BrokenRules(faultsOf, repositoryId);
    for (const workload of workloads) {
      if (broken.isBrokenFor(workload)) continue;
      if (!ambiguity.isStarted(workload) || !isInScope(repositoryId, workload)) continue;
      const passedOver = passedOverText(job, rulesOf(workload));
      if (workload.unseen === undefined && passedOver !== null) {
        told.push(passedOverTask(titleOf(workload), passedOver));
        continue;
      }
      if (workload.unseen !== undefined) {
        told.push(unseenTask(repositoryId, workload.name, workload.unseen));
        continue;
      }
      const known = found.get(workload.id);
      if (known === undefined)
        found.set(workload.id, { repositoryId, workload, title: titleOf(workload) });
      else {
        const reason = heldTwiceText(workload.id, known.repositoryId, repositoryId);
        told.push(warning(workload.name, 'WORKLOAD_CLAIMED_TWICE', reason));
      }
    }
    told.push(...broken.tasks());
    if (shown.length > 0) told.push(...unfound(entry, workloads, overrides));
  }
  if (overrides.workloads === undefined) told.push(...limitsForNothing(job, all.map(asLook)));
  // What a retry or a watch names may be gone by now.
  if (isByHand) told.push(...unknownNames(job, overrides.workloads, looks.map(asLook)));
  if (found.size === 0) told.push(...nothingLeft(told));
  const byId = [...found.values()].sort((a, b) => (a.workload.id < b.workload.id ? -1 : 1));
  return { workloads: withFormerIds(byId, listed), seen, hasUnreadSource, told };
}

type ToCopy = Omit<SessionWorkload, 'formerIds'>;

/** What cannot be seen may have one of these ids now. */
function withFormerIds(
  workloads: readonly ToCopy[],
  listed: readonly ListedSource[],
): SessionWorkload[] {
  const isAllSeen = listed.every(
    (look) => look.failure === null && !look.workloads.some(isUnreadPart),
  );
  const former = soleFormerIds(isAllSeen ? listed.flatMap((look) => look.workloads) : []);
  return workloads.map((one) => ({ ...one, formerIds: former.get(one.workload.id) ?? [] }));
}

/** A machine that is on is there, and no backup: a source that shows nothing else shows nothing. */
function withoutOnlySeen(look: ListedSource): ListedSource {
  return { ...look, workloads: look.workloads.filter(({ isOnlySeen }) => isOnlySeen !== true) };
}

/** Ids that a workload had before are names of it, but for a session that an earlier build has begun. */
function asNamed(
  listed: readonly ListedSource[],
  { sources }: CopyJob,
  overrides: StartOverrides,
): readonly ListedSource[] {
  const names = new Set([
    ...sources.include.flatMap(({ workloads = [] }) => workloads),
    ...sources.exclude.flatMap((entry) => ('workload' in entry ? [entry.workload] : [])),
    ...(overrides.workloads ?? []),
  ]);
  const isNamed = ({ otherIds = [] }: FoundWorkload) => otherIds.some((id) => names.has(id));
  if (!listed.some(({ workloads }) => workloads.some(isNamed)) || patched(FORMER_IDS))
    return listed;
  return listed.map((look) => ({
    ...look,
    workloads: look.workloads.map(({ otherIds: _before, ...workload }) => workload),
  }));
}

/** Before, an id that a workload had before named nothing. */
const FORMER_IDS = 'copySession-20261128-former-ids';

/** What a session speaks of. The name of what cannot be read is its place, and nobody knows what lies there: it may be what the job names. */
function taskScope(job: CopyJob): (repositoryId: string, workload: FoundWorkload) => boolean {
  const isInScope = sourceScope(job);
  const isExcluded = excludedBy(job.sources.exclude);
  return (repositoryId, workload) =>
    isUnreadStore(workload) ? !isExcluded(workload) : isInScope(repositoryId, workload);
}

/** Rules of types of backups that a job breaks in one of its sources: each is told once, whatever it holds of the type. */
class BrokenRules {
  readonly #namesByText = new Map<string, string[]>();

  constructor(
    private readonly faultsOf: ReturnType<typeof workloadRuleFaults>,
    private readonly repositoryId: string,
  ) {}

  isBrokenFor(workload: FoundWorkload): boolean {
    const faults = this.faultsOf(this.repositoryId, workload, rulesOf(workload));
    if (faults.length === 0) return false;
    const text = faults.map(({ path, message }) => `${path}: ${message}`).join('; ');
    const names = this.#namesByText.get(text) ?? [];
    this.#namesByText.set(text, [...names, workload.name]);
    return true;
  }

  tasks(): CopyTask[] {
    return [...this.#namesByText].map(([text, names]) => ({
      ...newTask(
        names.length === 1
          ? names[0]!
          : `repository ${this.repositoryId}: ${names.length} workloads`,
        null,
      ),
      state: 'ended',
      result: 'failed',
      code: 'WORKLOAD_RULE_BROKEN',
      reason: `${text} (${cut(names.join(', '), NAMES_CHARACTERS)})`,
    }));
  }
}

function warning(workload: string, code: CopyTask['code'], reason: string): CopyTask {
  return { ...newTask(workload, null), state: 'ended', result: 'warning', code, reason };
}

/** Other workloads may be copied all the same, so that a share which is away must not hide behind them. */
function emptySource(repositoryId: string, linksOut: readonly string[] = []): CopyTask {
  const { hint } = ERROR_CODES.SOURCE_EMPTY;
  const links = linksOut.map((name) => `"${name}"`).join(', ');
  const notFollowed = links === '' ? '' : `; links that lead out of it are not followed: ${links}`;
  const text = `repository ${repositoryId} shows no backups at all${notFollowed}`;
  return warning(`repository ${repositoryId}`, 'SOURCE_EMPTY', sentences(text, hint));
}

/** There is something, and nobody can tell what. */
function isUnreadStore({ unseen }: FoundWorkload): boolean {
  return unseen?.code === 'SOURCE_PART_UNREADABLE';
}

function isUnreadPart({ unseen }: FoundWorkload): boolean {
  return unseen !== undefined && mayHoldWorkloads(unseen);
}

/** A target in a source is no fault: it is named, and takes nothing from the result. */
function unseenTask(
  repositoryId: string,
  path: string,
  { code, reason }: NonNullable<FoundWorkload['unseen']>,
): CopyTask {
  if (code !== 'SOURCE_HOLDS_TARGET') return warning(path, code, reason);
  return {
    ...warning(`repository ${repositoryId}: ${path}`, code, reason),
    result: 'nothingToCopy',
  };
}

function rulesOf({ type, limits }: FoundWorkload): Pick<WorkloadTypeFacts, 'title' | 'rules'> {
  return limits ?? { title: type, rules: ALL_ALLOWED };
}

/** A job that takes a whole repository meets what another kind of job copies, or logs: that is no fault of either. */
function passedOverTask(name: string, reason: string): CopyTask {
  return { ...newTask(name, null), ...{ state: 'ended', result: 'nothingToCopy', reason } };
}

/** A task for each list of names in the definition that limits nothing, when all of the sources was seen. No fault: what is named may be gone. */
function limitsForNothing(job: CopyJob, looks: readonly SourceLook[]): CopyTask[] {
  if (!looks.every(({ isRead }) => isRead)) return [];
  const shown = looks.flatMap(({ repositoryId, workloads }) =>
    workloads
      .filter(({ unseen }) => unseen === undefined)
      .map((workload) => ({ repositoryId, workload })),
  );
  const reasons = unmatchedLimits(job, shown);
  if (reasons.length === 0 || !patched(TELLS_LIMITS)) return [];
  return reasons.map((reason) => passedOverTask(NAMES_OF_JOB, reason));
}

/** Before, exclusions and limits for what no source has were passed over without a word. */
const TELLS_LIMITS = 'copySession-20261128-unmatched-limits';

/** Where all that is told is of no workload: a job that copies nothing has protected nothing, whatever its names say. */
function nothingLeft(told: readonly CopyTask[]): CopyTask[] {
  if (told.length === 0 || !told.every(isOfNoWorkload) || !patched(NOTHING_LEFT)) return [];
  return [warning(NAMES_OF_JOB, null, NO_WORKLOAD)];
}

function isOfNoWorkload({ workload, code, result }: CopyTask): boolean {
  if (result !== 'nothingToCopy') return false;
  const isOfJob = workload === NAMES_OF_JOB || workload.startsWith('repository ');
  return isOfJob || code === 'SOURCE_HOLDS_TARGET';
}

/** Before, a session without a workload had nothing to copy where a name, a pattern or a target in a source was told. */
const NOTHING_LEFT = 'copySession-20261128-nothing-left';

interface ListedSource extends Pick<SourceLook, 'repositoryId' | 'workloads'> {
  readonly failure: CopyTask | null;
  readonly linksOut?: readonly string[] | undefined;
}

function asLook({ repositoryId, workloads, failure }: ListedSource): SourceLook {
  const isShown = workloads.some(({ unseen }) => unseen === undefined);
  const isRead = failure === null && isShown && !workloads.some(isUnreadPart);
  return { repositoryId, workloads, isRead };
}

/** Page after page. Asked on the target's queue: its workers do the copying, so they must reach the source in any case. */
async function listWorkloads(
  job: CopyJob,
  repositoryId: string,
  settings: CopySettings,
): Promise<ListedSource> {
  const activities = listingActivities(job.target.repositoryId, settings);
  const workloads: FoundWorkload[] = [];
  let linksOut: readonly string[] | undefined;
  try {
    let after: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof activities.enumerateWorkloads>> =
        await activities.enumerateWorkloads.executeWithOptions(
          { summary: `${repositoryId}: enumerate workloads` },
          [{ repositoryId, after }],
        );
      workloads.push(...page.workloads);
      ({ linksOut } = page);
      after = page.next;
    } while (after !== null);
    return { repositoryId, workloads, failure: null, linksOut };
  } catch (error) {
    if (isStop(error)) throw error;
    const code = codeOf(error);
    const failure: CopyTask = {
      ...newTask(`repository ${repositoryId}`, null),
      state: 'ended',
      result: 'failed',
      code: isErrorCode(code) ? code : 'REPOSITORY_UNREACHABLE',
      reason: reasonOf(error),
    };
    return { repositoryId, workloads: [], failure };
  }
}

/** Of what one entry of the job takes. */
function unfound(
  { repositoryId, workloads: named = [], patterns = [] }: SourceSelection,
  present: readonly FoundWorkload[],
  { workloads }: StartOverrides,
): CopyTask[] {
  if (workloads === undefined)
    return [
      ...missing(repositoryId, named, present),
      ...unmatched(repositoryId, patterns, present),
    ];
  const started = new Set(workloads);
  const asked = named.filter((name) => started.has(name));
  return missing(repositoryId, asked, present);
}

function missing(
  repositoryId: string,
  named: readonly string[],
  present: readonly FoundWorkload[],
): CopyTask[] {
  const known = new Set(present.flatMap(namesOfWorkload));
  const where = unreadText(present);
  const absent = named.filter((name) => !known.has(name));
  const task = (workload: string, reason: string): CopyTask => ({
    ...newTask(workload, null),
    state: 'ended',
    result: 'failed',
    code: 'WORKLOAD_MISSING',
    reason,
  });
  const tasks = absent
    .slice(0, TOLD_ONE_BY_ONE)
    .map((name) => task(name, `repository ${repositoryId} holds no workload ${name}${where}`));
  const rest = absent.slice(TOLD_ONE_BY_ONE);
  if (rest.length > 0) {
    const names = cut(rest.join(', '), NAMES_CHARACTERS - where.length);
    tasks.push(
      task(
        `repository ${repositoryId}: ${rest.length} workloads`,
        `repository ${repositoryId} holds none of them: ${names}${where}`,
      ),
    );
  }
  return tasks;
}

/** Behind a sentence that something is not there. Empty: all was seen. */
function unreadText(present: readonly FoundWorkload[]): string {
  const [first, ...rest] = present.filter(isUnreadPart);
  if (first === undefined) return '';
  const others = rest.length === 0 ? '' : ` or in ${rest.length} more places`;
  return ` that can be seen; it may lie in ${cut(first.name, PLACE_CHARACTERS)}${others}, which cannot be looked into`;
}

/** What a pattern is to take may come yet, or it is misspelt: it is told, and no fault. */
function unmatched(
  repositoryId: string,
  patterns: readonly string[],
  present: readonly FoundWorkload[],
): CopyTask[] {
  const where = unreadText(present);
  return patterns
    .filter((pattern) => !present.some((workload) => isLike([pattern], workload)))
    .map((pattern) =>
      passedOverTask(
        `repository ${repositoryId}`,
        `repository ${repositoryId} holds no workload like ${pattern}${where}`,
      ),
    );
}

/** Of the place that a sentence names. */
const PLACE_CHARACTERS = 500;

/** A job may name ten thousand, and its source may be the wrong one. */
const TOLD_ONE_BY_ONE = 50;
const NAMES_CHARACTERS = 4_000;
