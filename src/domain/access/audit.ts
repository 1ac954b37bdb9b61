/** Who changed what: one line for each request that changes something, also beside the data, where it outlives the server. */

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

const SHOWN_CHARACTERS = 8_000;

/** A definition may name thousands of machines. */
export function shortened(value: unknown): unknown {
  if (value === undefined) return null;
  const text = JSON.stringify(value);
  return text.length <= SHOWN_CHARACTERS ? value : `${text.slice(0, SHOWN_CHARACTERS)}…`;
}
