/** Where the command reads and writes; tests pass their own. */
export interface Terminal {
  /** Writes as it is, without a line end. */
  out(text: string): void;
  err(text: string): void;
  /** Whether standard output is a terminal: decides about the progress bar, and whether tables are made to fit. */
  readonly isInteractive: boolean;
  readonly columns: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingFolder: string;
}

/** How wide a table may be: whoever reads a pipe gets it whole. A terminal that does not know its size says 0. */
export function tableColumns({ isInteractive, columns }: Terminal): number {
  return isInteractive && columns > 0 ? columns : Infinity;
}
