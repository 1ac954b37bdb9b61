#!/usr/bin/env node
/** The `longhaul` command on this process. */

import type { Launchers } from '../cli/launchers.js';
import { OUTPUT_GONE_EXIT, reportBrokenOutput } from '../cli/broken-output.js';
import { display } from '../cli/display/display-text.js';
import { printError } from '../cli/display/print.js';
import { runCommand } from '../cli/program.js';
import { endWhatHangs } from './end-what-hangs.js';
import { processTerminal, watchOutput } from './process-terminal.js';
import { stopSignal } from './run-until-signal.js';

const terminal = processTerminal(process.env);

/** A server goes on when nobody reads what it prints. */
let isServing = false;

function serving<Options>(
  launch: (options: Options) => Promise<number>,
): (options: Options) => Promise<number> {
  return (options) => {
    isServing = true;
    return launch(options);
  };
}

const launchers: Launchers = {
  serve: serving(async (options) => (await import('./serve.js')).runServe(options)),
  api: serving(async (options) => (await import('./api.js')).runApi(options)),
  worker: serving(async (options) => (await import('./worker.js')).runWorker(options)),
  demo: async () => (await import('./demo.js')).runDemo(),
};

watchOutput((error) => {
  if (isServing) return;
  // A reader that has seen enough (`longhaul job list | head -1`) ends the command, and that is no error.
  if (error.code === 'EPIPE') process.exit(OUTPUT_GONE_EXIT);
  process.exit(reportBrokenOutput(terminal, error));
});

process.exitCode = await runCommand(process.argv.slice(2), terminal, launchers);
if (isServing || stopSignal() !== null)
  endWhatHangs(stopSignal(), (text) => printError(terminal, display`${text}`));
