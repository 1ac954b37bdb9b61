/** How old the newest copy of a workload may become, and whether it has. Pure: facts and `now`. */

import type { CopyLimits, RpoPolicy } from './rpo-policy.js';
import { elapsedText, HOUR_MS } from '../elapsed.js';
import { isNamed, type NamedWorkload } from '../jobs/source-scope.js';
import { isKnown, type Sight } from './sight.js';

const NO_LIMITS: CopyLimits = { maxCopyAgeHours: null, maxLagHours: null };

export function limitsOf(rpo: RpoPolicy | null, workload: NamedWorkload): CopyLimits {
  if (rpo === null) return NO_LIMITS;
  const { id, name } = workload;
  const own =
    rpo.workloads.find((entry) => isNamed([entry.workload], { id, name })) ??
    rpo.workloads.find((entry) => isNamed([entry.workload], workload));
  const { maxCopyAgeHours, maxLagHours } = own ?? rpo;
  return { maxCopyAgeHours, maxLagHours };
}

/** Why a state is what it is; the most important first. */
export interface RpoReason {
  readonly code:
    | 'copyTooOld'
    /** The copies are as new as the source, and that is too old. */
    | 'sourceStopped'
    | 'behindSource'
    | 'noCopy'
    | 'noRestorePoint'
    | 'noLimit'
    | 'targetUnknown'
    | 'sourceUnknown';
  /** A plain sentence without its end. */
  readonly text: string;
}

/** `unknown` is not well: nothing says that the limits are kept. */
export interface RpoStatus {
  readonly state: 'ok' | 'late' | 'unknown';
  /** Epoch milliseconds since when it is not `ok`; null: it is, or that is not known. */
  readonly sinceMs: number | null;
  /** Empty when `ok`. */
  readonly reasons: readonly RpoReason[];
}

/** Of one workload and one job. All times in epoch milliseconds. */
export interface CopyFacts {
  /** Moments of the source's complete restore points, the newest first, as far back as is known. What it dates after now waits for no copy: nobody knows
   *  how long it has. */
  readonly sourceAtMs: readonly number[];
  readonly source: Sight;
  /** Moment of the newest copy that can be restored, and no later than when it was copied, whatever the source dates it; null: there is none. */
  readonly newestCopyAtMs: number | null;
  /** The same moment as the source dates it, if that is believed. */
  readonly copiedUntilMs: number | null;
  /** While it is away what was last seen there still holds: copies do not grow younger. */
  readonly target: Sight;
}

export function rpoStatus(facts: CopyFacts, limits: CopyLimits, nowMs: number): RpoStatus {
  if (limits.maxCopyAgeHours === null && limits.maxLagHours === null) {
    return unknown(null, { code: 'noLimit', text: 'no limit is set for the age of its copies' });
  }
  // What nobody has seen is not missing.
  if (facts.newestCopyAtMs === null && !isKnown(facts.target))
    return targetDoubt(facts.target, nowMs);
  const late = [ageBreach(facts, limits, nowMs), lagBreach(facts, limits, nowMs)].filter(isThere);
  if (late.length > 0) {
    const sinceMs = Math.min(...late.map((breach) => breach.sinceMs));
    return { state: 'late', sinceMs, reasons: late.map(({ reason }) => reason) };
  }
  return doubt(facts, limits, nowMs) ?? { state: 'ok', sinceMs: null, reasons: [] };
}

export interface Breach {
  readonly sinceMs: number;
  readonly reason: RpoReason;
}

export function ageBreach(facts: CopyFacts, limits: CopyLimits, nowMs: number): Breach | null {
  const { newestCopyAtMs, copiedUntilMs, sourceAtMs } = facts;
  if (limits.maxCopyAgeHours === null) return null;
  const firstMs = newestCopyAtMs ?? sourceAtMs.at(-1);
  if (firstMs === undefined) return null;
  const sinceMs = firstMs + limits.maxCopyAgeHours * HOUR_MS;
  if (nowMs <= sinceMs) return null;
  if (newestCopyAtMs === null)
    return { sinceMs, reason: { code: 'noCopy', text: 'it has no copy' } };
  const age = elapsedText(nowMs - newestCopyAtMs);
  const limit = `${String(limits.maxCopyAgeHours)} h`;
  const isStopped =
    facts.source.state === 'seen' &&
    sourceAtMs.length > 0 &&
    waitingSince(sourceAtMs, copiedUntilMs ?? newestCopyAtMs, nowMs) === null;
  const reason: RpoReason = isStopped
    ? {
        code: 'sourceStopped',
        text: `the source has shown no new restore point for ${age}; the limit is ${limit}`,
      }
    : { code: 'copyTooOld', text: `its newest copy is ${age} old; the limit is ${limit}` };
  return { sinceMs, reason };
}

function lagBreach(facts: CopyFacts, limits: CopyLimits, nowMs: number): Breach | null {
  if (limits.maxLagHours === null) return null;
  const oldestMs = waitingSince(facts.sourceAtMs, facts.copiedUntilMs ?? -Infinity, nowMs);
  if (oldestMs === null) return null;
  const sinceMs = oldestMs + limits.maxLagHours * HOUR_MS;
  if (nowMs <= sinceMs) return null;
  const waits = elapsedText(nowMs - oldestMs);
  const text = `a restore point of the source has waited ${waits} for its copy; the limit is ${String(limits.maxLagHours)} h`;
  return { sinceMs, reason: { code: 'behindSource', text } };
}

/** Moment of the oldest restore point of the source that is not copied; null: all are. */
function waitingSince(
  sourceAtMs: readonly number[],
  copiedUntilMs: number,
  nowMs: number,
): number | null {
  return sourceAtMs.findLast((atMs) => atMs > copiedUntilMs && atMs <= nowMs) ?? null;
}

/** What keeps it from being called well although no limit is known to be broken. */
function doubt(facts: CopyFacts, limits: CopyLimits, nowMs: number): RpoStatus | null {
  const { sourceAtMs, source, newestCopyAtMs, target } = facts;
  if (target.state !== 'seen') return targetDoubt(target, nowMs);
  const isNothingKnown = newestCopyAtMs === null && sourceAtMs.length === 0;
  if (source.state !== 'seen' && (limits.maxLagHours !== null || isNothingKnown))
    return unknown(source.sinceMs, {
      code: 'sourceUnknown',
      text: unseenText('its source', 'has', source, nowMs),
    });
  if (newestCopyAtMs !== null) return null;
  const firstMs = sourceAtMs.at(-1);
  return firstMs === undefined
    ? unknown(null, { code: 'noRestorePoint', text: 'its source has no complete restore point' })
    : unknown(firstMs, { code: 'noCopy', text: 'it has no copy yet' });
}

function targetDoubt(target: Sight, nowMs: number): RpoStatus {
  const text =
    target.state === 'away'
      ? unseenText('its copies', 'have', target, nowMs)
      : unseenText('its target', 'has', target, nowMs);
  return unknown(target.sinceMs, { code: 'targetUnknown', text });
}

function unseenText(what: string, has: string, { state, sinceMs }: Sight, nowMs: number): string {
  if (state === 'notConfigured') return `${what} is not configured`;
  if (sinceMs === null) return `${what} ${has} not been looked at yet`;
  return `${what} ${has} not been seen for ${elapsedText(nowMs - sinceMs)}`;
}

function unknown(sinceMs: number | null, reason: RpoReason): RpoStatus {
  return { state: 'unknown', sinceMs, reasons: [reason] };
}

function isThere<T>(value: T | null): value is T {
  return value !== null;
}
