#!/usr/bin/env node
/** The `longhaul` command on this process. */

import type { Launchers } from '../cli/launchers.js';
import { runCommand } from '../cli/program.js';
import type { Terminal } from '../cli/terminal.js';

const DEFAULT_COLUMNS = 80;

const terminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  isInteractive: process.stdout.isTTY === true && process.env.TERM !== 'dumb',
  columns: process.stdout.columns ?? DEFAULT_COLUMNS,
  environment: process.env,
  workingFolder: process.cwd(),
};

const launchers: Launchers = {
  serve: async (options) => (await import('./serve.js')).runServe(options),
  api: async (options) => (await import('./api.js')).runApi(options),
  worker: async (options) => (await import('./worker.js')).runWorker(options),
  demo: async () => (await import('./demo.js')).runDemo(),
};

// A reader that closes the pipe (`longhaul job list | head -1`) ends the output, not with an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

process.exitCode = await runCommand(process.argv.slice(2), terminal, launchers);
