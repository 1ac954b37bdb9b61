import { runUntilSignal } from './run-until-signal.js';
import type { ServerOptions } from './serve.js';
import { readServerConfig } from './server-config.js';
import { createLogger, startService } from './service.js';

/** `longhaul api`: the HTTP API alone, beside workers in other processes. */
export async function runApi(options: ServerOptions): Promise<number> {
  const config = await readServerConfig(options.config);
  const logger = createLogger(config.logLevel);
  const parts = { api: true, control: false, repositories: [] };
  const service = await startService(config, parts, logger, process.env);
  logger.info({ url: service.url }, 'the API answers');
  return runUntilSignal(service, logger);
}
