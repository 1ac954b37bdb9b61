import { runUntilSignal } from './run-until-signal.js';
import type { ServerOptions } from './serve.js';
import { readServerConfig } from './server-config.js';
import { createLogger, startService } from './service.js';

interface WorkerOptions extends ServerOptions {
  /** Repositories whose data activities it does; empty: all, unless it is for control only. */
  readonly repositories: readonly string[];
  /** Whether it also runs workflows. */
  readonly control: boolean;
}

/** `longhaul worker`: workers alone. Without options it does everything a worker can do. */
export async function runWorker(options: WorkerOptions): Promise<number> {
  const config = await readServerConfig(options.config);
  const logger = createLogger(config.logLevel);
  const isGeneral = options.repositories.length === 0 && !options.control;
  const parts = {
    api: false,
    control: options.control || isGeneral,
    repositories: isGeneral ? null : options.repositories,
    workflowBundle: options.workflowBundle,
  };
  const service = await startService(config, parts, logger, process.env);
  logger.info({ control: parts.control, repositories: parts.repositories ?? 'all' }, 'working');
  return runUntilSignal(service, logger);
}
