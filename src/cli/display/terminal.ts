/** Where the command reads and writes; tests pass their own. */
export interface Terminal {
  /** Writes as it is, without a line end. */
  out(text: string): void;
  err(text: string): void;
  /** Whether standard output is a terminal: decides about the progress bar. */
  readonly isInteractive: boolean;
  readonly columns: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingFolder: string;
}
