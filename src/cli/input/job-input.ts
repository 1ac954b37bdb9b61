/** Job definitions as the user gives them: a file, or flags for the simple case. The server checks what they say. */

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import type { JobView } from '../../api/jobs/job-schemas.js';
import type { Exclusion } from '../../domain/jobs/copy-job.js';
import { BackupError } from '../../domain/errors.js';
import { withoutServerFields } from '../../domain/jobs/server-fields.js';
import { isPattern } from '../../domain/jobs/name-pattern.js';
import { limitsFromFlags, type LimitFlags } from './copy-limits.js';
import { parseHours } from './hours-phrase.js';
import { parseSchedule } from './schedule-phrase.js';

export interface JobFlags extends LimitFlags {
  readonly file?: string;
  readonly name?: string;
  readonly id?: string;
  /** `repository`, `repository:workload` or `repository:pattern`. */
  readonly source?: readonly string[];
  readonly exclude?: readonly string[];
  readonly target?: string;
  readonly schedule?: string;
  readonly timeZone?: string;
  readonly missedStarts?: string;
  readonly allowedHours?: readonly string[];
  readonly retryAttempts?: string;
  readonly retryPauses?: readonly string[];
  readonly immediate?: boolean;
  readonly transactionLogs?: boolean;
  readonly restorePoints?: string;
  readonly keep?: string;
  readonly keepDays?: string;
}

/** @throws REQUEST_INVALID when the file cannot be read or is neither JSON nor YAML */
export async function readDefinition(file: string, workingFolder: string): Promise<object> {
  try {
    const definition: unknown = parse(await readFile(resolve(workingFolder, file), 'utf8'));
    if (typeof definition === 'object' && definition !== null)
      return withoutServerFields(definition);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw badFlags(`${file}: ${reason}`, cause);
  }
  throw badFlags(`${file} holds no job definition`);
}

/** @throws REQUEST_INVALID naming the flags that are missing */
export function definitionFromFlags(flags: JobFlags): object {
  const { name, source, target } = flags;
  if (name === undefined || source === undefined || target === undefined) {
    throw badFlags('--name, --source and --target are needed, or --file');
  }
  return {
    name,
    ...(flags.id === undefined ? {} : { id: flags.id }),
    mode: flags.immediate === true ? 'immediate' : 'periodic',
    sources: {
      include: sourcesOf(source),
      exclude: exclusionsOf(flags.exclude ?? []),
    },
    target: { repositoryId: target },
    ...fieldsFromFlags(flags),
  };
}

/** What flags say of fields that have a default. */
function fieldsFromFlags(flags: JobFlags) {
  return {
    ...(flags.timeZone === undefined ? {} : { timeZone: flags.timeZone }),
    ...(flags.schedule === undefined ? {} : { schedule: parseSchedule(flags.schedule) }),
    ...(flags.missedStarts === undefined ? {} : { missedStarts: flags.missedStarts }),
    ...hoursOf(flags),
    ...(flags.transactionLogs === undefined ? {} : { transactionLogs: flags.transactionLogs }),
    ...(flags.restorePoints === undefined ? {} : { restorePoints: flags.restorePoints }),
    ...retentionOf(flags),
    ...retryOf(flags),
    ...limitsFromFlags(flags),
  };
}

/** Flags of `job edit`: what is not named stays. */
export interface EditFlags extends JobFlags {
  readonly description?: string;
  readonly periodic?: boolean;
  readonly excludeNothing?: boolean;
  readonly gfsOff?: boolean;
  readonly releaseGfsFulls?: boolean;
}

/** The definition of `job` with what the flags change. Its own schedules move with its time zone.
 *  @throws REQUEST_INVALID */
export function editedDefinition(job: JobView, flags: EditFlags): object {
  const { immediate, periodic, excludeNothing } = flags;
  if (immediate === true && periodic === true)
    throw badFlags('--immediate and --periodic exclude each other');
  const { rpo, retry, ...fields } = fieldsFromFlags(flags);
  const exclude =
    excludeNothing === true ? [] : flags.exclude === undefined ? null : exclusionsOf(flags.exclude);
  return {
    ...(flags.timeZone === undefined ? withoutServerFields(job) : movedTo(job)),
    ...(flags.description === undefined ? {} : { description: flags.description }),
    ...(flags.name === undefined ? {} : { name: flags.name }),
    ...(immediate === true ? { mode: 'immediate', schedule: { type: 'manual' } } : {}),
    ...(periodic === true ? { mode: 'periodic' } : {}),
    sources: {
      include: flags.source === undefined ? job.sources.include : sourcesOf(flags.source),
      exclude: exclude ?? job.sources.exclude,
    },
    ...(flags.target === undefined ? {} : { target: { repositoryId: flags.target } }),
    ...(flags.gfsOff === true ? { gfs: null } : {}),
    ...(flags.releaseGfsFulls === true ? { endedGfs: null } : {}),
    ...fields,
    ...(rpo === undefined ? {} : { rpo: { ...job.rpo, ...rpo } }),
    ...(retry === undefined ? {} : { retry: { ...job.retry, ...retry } }),
  };
}

/** Schedules that name no zone take that of the job. */
function movedTo(job: JobView): object {
  const here = ({ timeZone, ...schedule }: { readonly timeZone?: string }): object =>
    timeZone === job.timeZone ? schedule : { timeZone, ...schedule };
  const { schedule, allowedHours, healthCheck, compact } = job;
  return {
    ...withoutServerFields(job),
    schedule: 'timeZone' in schedule ? here(schedule) : schedule,
    allowedHours: allowedHours && here(allowedHours),
    healthCheck: healthCheck && here(healthCheck),
    compact: compact && here(compact),
  };
}

/** Workloads and patterns of one repository make one entry; a repository without one means all of it. */
function sourcesOf(sources: readonly string[]): object[] {
  const chosen = new Map<string, string[]>();
  const whole: string[] = [];
  for (const source of sources) {
    const [repositoryId = '', word] = source.split(/:(.*)/s);
    if (word === undefined) whole.push(repositoryId);
    else chosen.set(repositoryId, [...(chosen.get(repositoryId) ?? []), word]);
  }
  return [
    ...whole.map((repositoryId) => ({ repositoryId })),
    ...[...chosen].map(([repositoryId, words]) => ({ repositoryId, ...choiceOf(words) })),
  ];
}

function choiceOf(words: readonly string[]): object {
  const workloads = words.filter((word) => !isPattern(word));
  const patterns = words.filter(isPattern);
  return {
    ...(workloads.length === 0 ? {} : { workloads }),
    ...(patterns.length === 0 ? {} : { patterns }),
  };
}

function exclusionsOf(words: readonly string[]): Exclusion[] {
  return words.map((word) => (isPattern(word) ? { pattern: word } : { workload: word }));
}

function hoursOf({ allowedHours }: JobFlags): object {
  if (allowedHours === undefined) return {};
  if (allowedHours.join() === 'none') return { allowedHours: null };
  return { allowedHours: { spans: allowedHours.map(parseHours) } };
}

function retentionOf({ keep, keepDays }: JobFlags): object {
  if (keep !== undefined && keepDays !== undefined) {
    throw badFlags('--keep and --keep-days exclude each other');
  }
  const text = keep ?? keepDays;
  if (text === undefined) return {};
  return {
    retention: { type: keep === undefined ? 'days' : 'restorePoints', value: numberOf(text) },
  };
}

function retryOf({ retryAttempts, retryPauses }: JobFlags): { readonly retry?: object } {
  const attempts = retryAttempts === 'unlimited' ? null : retryAttempts;
  const retry = {
    ...(attempts === undefined ? {} : { attempts: attempts === null ? null : numberOf(attempts) }),
    ...(retryPauses === undefined ? {} : { pausesMinutes: retryPauses.map(numberOf) }),
  };
  return Object.keys(retry).length === 0 ? {} : { retry };
}

function numberOf(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw badFlags(`${text} is not a number`);
  return Number(text);
}

function badFlags(message: string, cause?: unknown): BackupError {
  return new BackupError('REQUEST_INVALID', message, {
    cause,
    hint: 'See `longhaul job create --help`.',
  });
}
