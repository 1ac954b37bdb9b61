import { display, displayLines } from '../cli/display/display-text.js';
import { print } from '../cli/display/print.js';
import { processTerminal } from './process-terminal.js';
import { ALL_PARTS, createLogger, startService } from './service.js';
import { readServerConfig } from './server-config.js';
import { runUntilSignal } from './run-until-signal.js';

export interface ServerOptions {
  /** Path of the configuration file; undefined: `longhaul.yaml` in the working folder. */
  readonly config?: string;
  /** A file with the bundled workflows; absent: what the build made. */
  readonly workflowBundle?: string;
}

/** `longhaul serve`: everything in one process, with an embedded Temporal server unless another one is configured. */
export async function runServe(options: ServerOptions): Promise<number> {
  const config = await readServerConfig(options.config);
  const logger = createLogger(config.logLevel);
  const parts = { ...ALL_PARTS, workflowBundle: options.workflowBundle };
  const service = await startService(config, parts, logger, process.env);
  const lines = [
    display`Dashboard  ${service.url ?? ''}   API pages: ${service.url ?? ''}/docs`,
    ...(service.temporalUiUrl === null ? [] : [display`Temporal   ${service.temporalUiUrl}`]),
    ...(config.server.tokenFile === null
      ? [display`No token is configured: the API answers to this machine only.`]
      : []),
  ];
  print(processTerminal(process.env), displayLines(lines));
  return runUntilSignal(service, logger);
}
