/** Standard output and error of this process: nothing else in the source names them. */

import type { Terminal } from '../cli/display/terminal.js';

const DEFAULT_COLUMNS = 80;

export function processTerminal(environment: NodeJS.ProcessEnv): Terminal {
  const { stdout, stderr } = process;
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    isInteractive: stdout.isTTY === true && environment.TERM !== 'dumb',
    columns: stdout.columns ?? DEFAULT_COLUMNS,
    environment,
    workingFolder: process.cwd(),
  };
}

/** Calls `onBroken` once when standard output takes no more: `EPIPE` when its reader has gone, `ENOSPC` on a full disk. Standard error that
 *  takes no more is passed over: there is no place left to say it. */
export function watchOutput(onBroken: (error: NodeJS.ErrnoException) => void): void {
  process.stdout.once('error', onBroken);
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
}
