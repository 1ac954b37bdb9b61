/** Audit lines beside the data: JSON, one a line, in files of a month (docs/FORMAT.md, Job and sessions). Lines are added and never changed. */

import {
  auditKey,
  type AuditEntry,
  type AuditFilter,
  type AuditLine,
  type AuditPage,
} from '../domain/access/audit.js';
import { BackupError } from '../domain/errors.js';
import { isFolderPassedOver } from '../domain/sources/passed-over.js';
import { unreadablePart, type UnreadablePart } from '../domain/targets/unreadable-part.js';
import type { BackupRepository, SourceRepository } from '../repository/backup-repository.js';
import { jsonBytes } from '../domain/sessions/task-brief.js';
import { readWholeFile } from '../repository/replace-file.js';
import { OWN_FOLDER } from '../repository/repository-path.js';
import { jobFolder } from '../chain/chain-paths.js';

/** In a job's folder: no name of a workload begins with a dot. */
const JOB_AUDIT_FOLDER = '.audit';
const REPOSITORY_AUDIT_FOLDER = `${OWN_FOLDER}/audit`;

const AUDIT_VERSION = 1;
/** A file that would become larger is followed by another one of its month. */
const MAX_FILE_BYTES = 1024 * 1024;
/** What another release, or a hand, has made of it is read all the same, up to here. */
const MAX_READ_BYTES = 4 * MAX_FILE_BYTES;
/** Ten years; of more months that have lines the oldest goes. How many files they fill says nothing: whoever asks for much must not push out what tells of it. */
const KEPT_MONTHS = 120;

/** Adds the lines in their order, durable when it returns. One that is there already is not added again; a month is that of the line.
 *  One writer at a time: the workflow of the repository.
 *  @param jobId null: of the repository as a whole */
export async function appendAuditLines(
  repository: BackupRepository,
  jobId: string | null,
  lines: readonly AuditLine[],
): Promise<void> {
  const folder = auditFolder(jobId);
  await repository.makePlace(folder);
  const names = await auditNames(repository, folder);
  for (const [month, own] of byMonth(lines))
    await appendToMonth(repository, folder, names, month, own);
  const months = [...new Set([...names.files].map(monthOf))].sort();
  const kept = new Set(months.slice(-KEPT_MONTHS));
  const oldest = [...names.files].filter((name) => !kept.has(monthOf(name)));
  if (oldest.length > 0) await repository.remove(...oldest.map((name) => `${folder}/${name}`));
}

/** Oldest first, without those that cannot be read.
 *  @param jobId null: of the repository as a whole */
export async function readAuditLines(
  repository: SourceRepository,
  jobId: string | null,
): Promise<AuditLine[]> {
  const folder = auditFolder(jobId);
  const lines: AuditLine[] = [];
  for (const name of [...(await fileNames(repository, folder))].sort(byTime))
    lines.push(...linesOf(await readWholeFile(repository, `${folder}/${name}`, MAX_READ_BYTES)));
  return lines;
}

/** So many lines at most, and so many bytes of JSON but at least one line, are read at once. */
const PAGE_LINES = 200;
const PAGE_BYTES = 400_000;

interface AuditFile {
  readonly path: string;
  readonly name: string;
  readonly jobId: string | null;
}

/** The newest lines of a repository and of the jobs in it, newest first. Files are read from the newest month on, and no more than are needed.
 *  What cannot be read of it is named, and keeps the rest from nobody.
 *  @param before `auditKey` of the last line of the page before; null: the first page */
export async function readNewestAudit(
  repository: SourceRepository,
  filter: AuditFilter,
  before: string | null,
): Promise<AuditPage> {
  const unreadable: UnreadablePart[] = [];
  const files = await auditFiles(repository, filter.jobId, unreadable);
  let found: AuditEntry[] = [];
  let month = '';
  for (const { path, name, jobId } of files) {
    // All files of a month are read before it is known which of its lines are the newest.
    const isNextMonth = monthOf(name) !== month;
    if (isNextMonth && found.length > PAGE_LINES) break;
    month = monthOf(name);
    if (isOutside(month, filter) || (before !== null && month > monthOf(before))) continue;
    const lines = await linesIn(repository, path, unreadable);
    const wanted = lines
      .filter(isWhole)
      .filter((line) => isWanted(line, filter) && (before === null || auditKey(line) < before))
      .map((line) => ({ ...line, jobId }));
    // One more than a page has tells that there are older ones.
    found = [...found, ...wanted]
      .sort((a, b) => (auditKey(a) > auditKey(b) ? -1 : 1))
      .slice(0, PAGE_LINES + 1);
  }
  return { ...cutPage(found), ...(unreadable.length === 0 ? {} : { unreadable }) };
}

/** Newest month first. */
async function auditFiles(
  repository: SourceRepository,
  jobId: string | null,
  unreadable: UnreadablePart[],
): Promise<AuditFile[]> {
  const files: AuditFile[] = [];
  for (const place of await placesIn(repository, jobId)) {
    const folder = auditFolder(place);
    try {
      for (const name of await fileNames(repository, folder))
        files.push({ path: `${folder}/${name}`, name, jobId: place });
    } catch (error) {
      unreadable.push(unreadablePart(folder, error));
    }
  }
  return files.sort((a, b) => (a.name > b.name ? -1 : 1));
}

async function linesIn(
  repository: SourceRepository,
  path: string,
  unreadable: UnreadablePart[],
): Promise<AuditLine[]> {
  try {
    return linesOf(await readWholeFile(repository, path, MAX_READ_BYTES));
  } catch (error) {
    unreadable.push(unreadablePart(path, error));
    return [];
  }
}

function cutPage(found: readonly AuditEntry[]): AuditPage {
  let bytes = 0;
  let count = 0;
  while (count < Math.min(found.length, PAGE_LINES) && (count === 0 || bytes < PAGE_BYTES)) {
    bytes += jsonBytes(found[count]);
    count++;
  }
  return { lines: found.slice(0, count), hasMore: count < found.length };
}

/** The jobs whose folders lie here, and null for the repository as a whole. */
async function placesIn(
  repository: SourceRepository,
  jobId: string | null,
): Promise<(string | null)[]> {
  if (jobId !== null) return [jobId];
  const entries = await repository.list('');
  const folders = entries.filter(
    ({ type, name }) => type === 'folder' && !isFolderPassedOver(name),
  );
  return [null, ...folders.map(({ name }) => name)];
}

/** What somebody else wrote between the lines may lack what is shown. */
function isWhole(line: AuditLine): boolean {
  const { who, role, operation, path, outcome, at } = line as Partial<AuditLine>;
  const texts = [who, role, operation, path, outcome];
  return texts.every((text) => typeof text === 'string') && !Number.isNaN(Date.parse(at ?? ''));
}

function isWanted({ at }: AuditLine, { fromMs, toMs }: AuditFilter): boolean {
  const atMs = Date.parse(at);
  return (fromMs === null || atMs >= fromMs) && (toMs === null || atMs < toMs);
}

function isOutside(month: string, { fromMs, toMs }: AuditFilter): boolean {
  const monthAt = (ms: number) => new Date(ms).toISOString().slice(0, 'YYYY-MM'.length);
  return (fromMs !== null && month < monthAt(fromMs)) || (toMs !== null && month > monthAt(toMs));
}

function monthOf(name: string): string {
  return name.slice(0, 'YYYY-MM'.length);
}

/** A file that cannot be read or written for its own sake, because somebody exchanged it or its disk has a bad place, is left as it is, and
 *  the lines go to the next one. */
async function appendToMonth(
  repository: BackupRepository,
  folder: string,
  { files, taken }: AuditNames,
  month: string,
  lines: readonly AuditLine[],
): Promise<void> {
  const [last = 0] = numbersOf(taken, month).slice(-1);
  const path = (number: number) => `${folder}/${fileName(month, number)}`;
  const lastIsFile = files.has(fileName(month, last));
  // A batch is sent again whole, and one batch fills no two files: what was added lies in the last two.
  const [before = null] = numbersOf(files, month)
    .filter((number) => number < last)
    .slice(-1);
  const place = { month, number: Math.max(1, last), before: before === null ? null : path(before) };
  let name: string | null;
  try {
    name = await appendTo(repository, folder, place, lines);
  } catch (error) {
    if (!(error instanceof BackupError) || error.kind === 'conflict' || last === 0) throw error;
    const next = { month, number: last + 1, before: lastIsFile ? path(last) : null };
    name = await appendTo(repository, folder, next, lines).catch(() => {
      // So it is the target's fault.
      throw error;
    });
  }
  if (name !== null) files.add(name);
}

/** @returns the file that has grown; null: none, the lines were there */
async function appendTo(
  repository: BackupRepository,
  folder: string,
  { month, number, before }: { month: string; number: number; before: string | null },
  lines: readonly AuditLine[],
): Promise<string | null> {
  const last = fileName(month, number);
  const seen = await repository.stat(`${folder}/${last}`);
  const present = await readWholeFile(repository, `${folder}/${last}`, MAX_READ_BYTES);
  const earlier = before === null ? [] : await linesIn(repository, before, []);
  const known = new Set([...earlier, ...linesOf(present)].map(({ id }) => id));
  const added = lines.filter(({ id }) => !known.has(id));
  if (added.length === 0) return null;
  const bytes = Buffer.from(added.map(textOf).join(''));
  const isFull = present !== null && present.length + bytes.length > MAX_FILE_BYTES;
  const name = isFull ? fileName(month, number + 1) : last;
  // A writer that is believed dead must not undo what the next one has added.
  await repository.put(
    `${folder}/${name}`,
    isFull || present === null ? bytes : Buffer.concat([present, lineEnd(present), bytes]),
    { expected: isFull ? null : (seen?.stamp ?? null) },
  );
  return name;
}

/** A file whose last line was cut by something else than us must not swallow the next one. */
function lineEnd(present: Buffer): Buffer {
  return Buffer.from(present.length === 0 || present.at(-1) === 0x0a ? '' : '\n');
}

function textOf(line: AuditLine): string {
  return `${JSON.stringify({ longhaulAudit: AUDIT_VERSION, ...line })}\n`;
}

/** A line that is no audit line is passed over: it is somebody's, and stays. */
function linesOf(bytes: Buffer | null): AuditLine[] {
  return (bytes?.toString('utf8') ?? '').split('\n').flatMap((text) => {
    try {
      const line = JSON.parse(text) as Partial<AuditLine> | null;
      return typeof line?.id === 'string' && typeof line.at === 'string' ? [line as AuditLine] : [];
    } catch {
      return [];
    }
  });
}

function auditFolder(jobId: string | null): string {
  return jobId === null ? REPOSITORY_AUDIT_FOLDER : `${jobFolder(jobId)}/${JOB_AUDIT_FOLDER}`;
}

interface AuditNames {
  readonly files: Set<string>;
  /** By whatever: a folder may have the name of a file. */
  readonly taken: ReadonlySet<string>;
}

async function auditNames(repository: SourceRepository, folder: string): Promise<AuditNames> {
  const entries = await repository.list(folder);
  const own = entries.filter(({ name }) => /^\d{4}-\d\d\.\d{3,6}\.jsonl$/.test(name));
  const files = own.filter(({ type }) => type === 'file');
  return {
    files: new Set(files.map(({ name }) => name)),
    taken: new Set(own.map(({ name }) => name)),
  };
}

async function fileNames(repository: SourceRepository, folder: string): Promise<Set<string>> {
  return (await auditNames(repository, folder)).files;
}

/** Of the files of a month, the lowest first. */
function numbersOf(names: ReadonlySet<string>, month: string): number[] {
  return [...names]
    .filter((name) => name.startsWith(`${month}.`))
    .map((name) => Number(name.slice(`${month}.`.length, -'.jsonl'.length)))
    .sort((a, b) => a - b);
}

/** As names up to `2026-11.999.jsonl` sort by themselves. */
function byTime(a: string, b: string): number {
  return monthOf(a) === monthOf(b) ? a.length - b.length || (a < b ? -1 : 1) : a < b ? -1 : 1;
}

/** `2026-11.001.jsonl` */
function fileName(month: string, number: number): string {
  return `${month}.${String(number).padStart(3, '0')}.jsonl`;
}

function byMonth(lines: readonly AuditLine[]): Map<string, AuditLine[]> {
  const months = new Map<string, AuditLine[]>();
  for (const line of lines) {
    const month = monthOf(line.at);
    months.set(month, [...(months.get(month) ?? []), line]);
  }
  return months;
}
