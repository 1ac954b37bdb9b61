/** The verdict as one sentence. Pure. */

import type { VerdictClause, Verdict, Safety } from './safety-facts.js';
import { elapsedText } from '../elapsed.js';
import { namesText, type SafetyProblem } from './problem-groups.js';
import {
  countLeftovers,
  keptChains,
  type LeftoverCount,
  type ProtectedWorkload,
} from './protection.js';
import { placesText, type WatchedPlaces } from './uncopied-places.js';
import { counted } from '../sentences.js';

export function verdictOf(
  { workloads, uncopied }: Pick<Safety, 'workloads' | 'uncopied'>,
  problems: readonly SafetyProblem[],
  nowMs: number,
): Verdict {
  const watched = workloads.filter(({ state }) => state !== 'unwatched');
  const unlooked = problems.filter(({ code }) => code === 'NOT_LOOKED_AT');
  const clauses = [
    coverage(watched, countLeftovers(workloads), unlooked),
    uncopiedClause(uncopied),
    lateClause(watched, nowMs),
    unknownClause(watched),
    unprotectedClause(watched),
    ...problemClauses(problems, nowMs),
    damageClause(workloads, problems),
    verificationClause(workloads, problems, nowMs),
  ].filter((clause) => clause !== null);
  const grave = problems.filter(({ severity }) => severity === 'error');
  const isKnown = problems.every(({ severity }) => severity !== 'unknown') && watched.length > 0;
  const state = grave.length > 0 ? 'unsafe' : isKnown ? 'safe' : 'unknown';
  const reasons =
    grave.length > 0 ? grave : problems.filter(({ severity }) => severity === 'unknown');
  const sinces = reasons.flatMap(({ sinceMs }) => (sinceMs === null ? [] : [sinceMs]));
  return {
    state,
    sentence: clauses.map(({ text }) => text).join('; '),
    clauses,
    sinceMs: sinces.length === 0 ? null : Math.min(...sinces),
  };
}

function coverage(
  watched: readonly ProtectedWorkload[],
  leftovers: LeftoverCount,
  unlooked: readonly SafetyProblem[],
): VerdictClause {
  const about = 'coverage';
  if (watched.length === 0)
    return {
      ...{ about, state: 'unknown' },
      text: unlooked.length === 0 ? leftoverText(leftovers) : 'no workload is known yet',
    };
  const well = watched.filter(({ state }) => state === 'ok').length;
  const all = `${String(well)} of ${workloadsText(watched.length)}`;
  const have = watched.length === 1 ? 'has' : 'have';
  const state = well === watched.length ? 'good' : 'bad';
  const isUnknown = watched.every(({ state }) => state === 'ok' || state === 'unknown');
  const text = `${all} ${have} a copy ${limitText(watched)}`;
  return { about, state: state === 'bad' && isUnknown ? 'unknown' : state, text };
}

/** Where nothing is to be copied, as after a disaster on a new server: what can be had back is the first thing to know. */
function leftoverText({ restorePoints, workloads }: LeftoverCount): string {
  if (restorePoints === 0) return 'no workload is known';
  const points = restorePoints === 1 ? 'restore point' : 'restore points';
  const belong = restorePoints === 1 ? 'belongs' : 'belong';
  return `no workload is known that is to be copied; ${String(restorePoints)} ${points} of ${workloadsText(workloads)} ${belong} to no job`;
}

/** Behind the count, which counts workloads alone. */
function uncopiedClause(uncopied: WatchedPlaces): VerdictClause | null {
  const names = placesText(uncopied);
  return names === null ? null : { about: 'uncopied', state: 'bad', text: `not copied: ${names}` };
}

/** One limit for all is named. */
function limitText(watched: readonly ProtectedWorkload[]): string {
  const limits = watched.flatMap(({ copies }) => copies.map((each) => each.limits));
  const ages = new Set(limits.map(({ maxCopyAgeHours }) => maxCopyAgeHours));
  const [age = null] = ages;
  const isOne = ages.size === 1 && limits.every(({ maxLagHours }) => maxLagHours === null);
  return isOne && age !== null ? `younger than ${String(age)} h` : 'as new as its job wants';
}

function lateClause(watched: readonly ProtectedWorkload[], nowMs: number): VerdictClause | null {
  const late = watched
    .filter(({ state }) => state === 'late')
    .sort((a, b) => (a.sinceMs ?? nowMs) - (b.sinceMs ?? nowMs));
  const [worst] = late;
  if (worst === undefined) return null;
  const by = elapsedText(nowMs - (worst.sinceMs ?? nowMs));
  const names = namesText(late.map(({ name }) => name));
  const text = late.length === 1 ? `${names} is ${by} late` : `${names} are late, by up to ${by}`;
  return { about: 'late', state: 'bad', text };
}

function unknownClause(watched: readonly ProtectedWorkload[]): VerdictClause | null {
  const unknown = watched.filter(({ state }) => state === 'unknown');
  if (unknown.length === 0) return null;
  const reasons = unknown.map(({ copies }) => copies.flatMap(({ status }) => status.reasons)[0]);
  const [first] = reasons;
  const isOne = reasons.every((reason) => reason?.code === first?.code);
  const names = namesText(unknown.map(({ name }) => name));
  const text =
    isOne && first?.code === 'noLimit'
      ? `of ${names} no job says how old the copy may become`
      : `of ${names} it is not known`;
  return { about: 'unknown', state: 'unknown', text };
}

function unprotectedClause(watched: readonly ProtectedWorkload[]): VerdictClause | null {
  const names = watched.filter(({ state }) => state === 'unprotected').map(({ name }) => name);
  if (names.length === 0) return null;
  const text = `${namesText(names)} ${names.length === 1 ? 'is' : 'are'} in no job`;
  return { about: 'unprotected', state: 'bad', text };
}

const REPOSITORY_FAULTS = [
  'REPOSITORY_MISSING',
  'SOURCE_EMPTY',
  'REPOSITORY_UNFIT',
  'PART_UNREADABLE',
] as const;

/** Problems that the workloads do not tell. */
function problemClauses(problems: readonly SafetyProblem[], nowMs: number): VerdictClause[] {
  const of = (code: SafetyProblem['code']) => problems.filter((problem) => problem.code === code);
  const clauses: VerdictClause[] = [];
  const away = of('REPOSITORY_AWAY');
  if (away.length > 0) {
    const names = namesText(away.map(({ repositoryId }) => repositoryId ?? ''));
    const since = Math.min(...away.map(({ sinceMs }) => sinceMs ?? nowMs));
    const verb = away.length === 1 ? 'has' : 'have';
    const text = `${names} ${verb} not been reached for ${elapsedText(nowMs - since)}`;
    clauses.push({ about: 'repositories', state: 'bad', text });
  }
  const unlooked = of('NOT_LOOKED_AT');
  if (unlooked.length > 0) clauses.push(unlookedClause(unlooked));
  for (const code of REPOSITORY_FAULTS) {
    const [first, ...others] = of(code);
    if (first !== undefined)
      clauses.push({ about: 'repositories', state: 'bad', text: andMore(first, others.length) });
  }
  for (const code of ['JOB_NOT_STARTED', 'JOB_NEEDS_DECISION', 'WORKLOAD_NOT_COPYABLE'] as const) {
    const [first, ...others] = of(code);
    if (first !== undefined)
      clauses.push({ about: 'jobs', state: 'bad', text: andMore(first, others.length) });
  }
  const [unread, ...more] = of('JOB_UNREAD');
  if (unread !== undefined)
    clauses.push({ about: 'jobs', state: 'unknown', text: andMore(unread, more.length) });
  const gone = of('WORKLOAD_GONE');
  if (gone.length > 0) {
    const names = namesText(gone.flatMap(({ workloads }) => workloads.map(({ name }) => name)));
    clauses.push({ about: 'jobs', state: 'bad', text: `no source shows ${names} any more` });
  }
  return clauses;
}

/** Its problem says since when. */
function unlookedClause(problems: readonly SafetyProblem[]): VerdictClause {
  const names = namesText(problems.map(({ repositoryId }) => repositoryId ?? ''));
  const verb = problems.length === 1 ? 'is' : 'are';
  const isUnderWay = problems.every(({ sinceMs }) => sinceMs !== null);
  const text = `${names} ${verb} ${isUnderWay ? 'still being looked at' : 'not looked at yet'}`;
  return { about: 'repositories', state: 'unknown', text };
}

function andMore({ text }: SafetyProblem, others: number): string {
  return others === 0 ? text : `${text} (and ${String(others)} more like it)`;
}

/** What the copies of a repository are like that was not seen whole, nobody knows. */
const UNSEEN: readonly SafetyProblem['code'][] = [
  'PART_UNREADABLE',
  'NOT_LOOKED_AT',
  'REPOSITORY_AWAY',
  'REPOSITORY_MISSING',
];

function damageClause(
  workloads: readonly ProtectedWorkload[],
  problems: readonly SafetyProblem[],
): VerdictClause | null {
  const chains = keptChains(workloads);
  if (chains.length === 0) return null;
  const about = 'damage';
  const damaged = workloads.filter((workload) =>
    keptChains([workload]).some(({ damagedCount }) => damagedCount > 0),
  );
  if (damaged.length === 0)
    return problems.some(({ code }) => UNSEEN.includes(code))
      ? { about, state: 'unknown', text: 'nothing is damaged in what was seen' }
      : { about, state: 'good', text: 'nothing is damaged' };
  const count = chains.reduce((sum, { damagedCount }) => sum + damagedCount, 0);
  const points = count === 1 ? 'a restore point' : `${String(count)} restore points`;
  const names = namesText(damaged.map(({ name }) => name));
  const text = `${points} of ${names} ${count === 1 ? 'is' : 'are'} damaged`;
  return { about, state: 'bad', text };
}

function verificationClause(
  workloads: readonly ProtectedWorkload[],
  problems: readonly SafetyProblem[],
  nowMs: number,
): VerdictClause | null {
  const about = 'verification';
  const chains = keptChains(workloads);
  const never = chains.reduce((sum, { neverVerifiedCount }) => sum + neverVerifiedCount, 0);
  if (never > 0) {
    const text = `${counted(never, 'restore point was', 'restore points were')} never checked`;
    return { about, state: 'bad', text };
  }
  const checks = chains.flatMap(({ oldestVerifiedAt }) =>
    oldestVerifiedAt === null ? [] : [Date.parse(oldestVerifiedAt)],
  );
  if (checks.length === 0) return null;
  const age = elapsedText(nowMs - Math.min(...checks));
  return problems.some(({ code }) => code === 'HEALTH_CHECK_LATE')
    ? { about, state: 'bad', text: `oldest check ${age}, and a health check is overdue` }
    : { about, state: 'good', text: `oldest check ${age}` };
}

function workloadsText(count: number): string {
  return counted(count, 'workload');
}
