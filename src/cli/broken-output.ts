/** Standard output that takes no more. */

import { BackupError } from '../domain/errors.js';
import { describeError } from './command-context.js';
import { EXIT_CODES, EXIT_OF_KIND } from './exit-codes.js';
import { printError } from './display/print.js';
import type { Terminal } from './display/terminal.js';

export const OUTPUT_GONE_EXIT: number = EXIT_CODES.success.code;

/** @returns the exit code */
export function reportBrokenOutput(terminal: Terminal, cause: Error): number {
  const error = new BackupError(
    'OUTPUT_NOT_WRITTEN',
    `the output of the command could not be written: ${cause.message}`,
    { cause },
  );
  printError(terminal, describeError(error));
  return EXIT_CODES[EXIT_OF_KIND[error.kind]].code;
}
