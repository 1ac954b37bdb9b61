/** Who changed what: one line for each request that changes something, also beside the data, where it outlives the server. */

import type { UnreadablePart } from '../targets/unreadable-part.js';

export interface AuditLine {
  /** Of the line; one that was sent twice is kept once. */
  readonly id: string;
  /** RFC 3339 UTC: when the request was answered. */
  readonly at: string;
  readonly who: string;
  readonly role: string;
  /** What the identity provider calls him; null: he did not sign in there. */
  readonly subject: string | null;
  readonly operation: string;
  /** Address below that of the API. */
  readonly path: string;
  /** `done`, or the code with which it was refused. */
  readonly outcome: string;
  /** As it was; null: nothing, or nobody looked. Cut to text when it is long. */
  readonly before: unknown;
  /** What was asked for; null: nothing. Cut to text when it is long. */
  readonly after: unknown;
}

/** Beside which data a line is kept. */
export interface AuditPlace {
  /** A target. */
  readonly repositoryId: string;
  /** null: what concerns the repository as a whole. */
  readonly jobId: string | null;
}

export interface PlacedLine extends AuditLine {
  readonly jobId: string | null;
}

/** A line as it was found beside the data. */
export interface AuditEntry extends AuditLine {
  /** null: it is about the repository, or the whole site. */
  readonly jobId: string | null;
}

/** Which lines are wanted. */
export interface AuditFilter {
  /** null: of all jobs, and those of no job. */
  readonly jobId: string | null;
  /** Epoch milliseconds; null: since ever. */
  readonly fromMs: number | null;
  /** Before this; null: until now. */
  readonly toMs: number | null;
}

/** Orders lines by their time, and by their id where that is the same. */
export function auditKey({ at, id }: Pick<AuditLine, 'at' | 'id'>): string {
  return `${at} ${id}`;
}

/** A page of the newest lines, newest first. */
export interface AuditPage {
  readonly lines: readonly AuditEntry[];
  /** There may be older ones. */
  readonly hasMore: boolean;
  /** What was to be read for this page and could not be: its lines are missing. */
  readonly unreadable?: readonly UnreadablePart[];
}

/** Joins pages of several targets: a line that lies in several is one. What is older than the end of a page that was cut is left for the next page, because that
 *  target may have more between. */
export function joinAuditPages(pages: readonly AuditPage[]): AuditPage {
  const cut = pages.flatMap(({ lines, hasMore }) => {
    const last = lines.at(-1);
    return hasMore && last !== undefined ? [auditKey(last)] : [];
  });
  const end = cut.reduce((newest, key) => (key > newest ? key : newest), '');
  const byId = new Map(pages.flatMap(({ lines }) => lines.map((line) => [line.id, line] as const)));
  const all = [...byId.values()].sort((a, b) => (auditKey(a) > auditKey(b) ? -1 : 1));
  const lines = all.filter((line) => auditKey(line) >= end);
  return { lines, hasMore: cut.length > 0 };
}

const SHOWN_CHARACTERS = 8_000;

/** A definition may name thousands of machines. */
export function shortened(value: unknown): unknown {
  if (value === undefined) return null;
  const text = JSON.stringify(value);
  return text.length <= SHOWN_CHARACTERS ? value : `${text.slice(0, SHOWN_CHARACTERS)}…`;
}
