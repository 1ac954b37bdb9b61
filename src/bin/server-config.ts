import type { LonghaulConfig } from '../config/config.js';
import { loadConfig } from '../config/load-config.js';

/** @throws CONFIG_INVALID with all faults */
export function readServerConfig(file: string | undefined): Promise<LonghaulConfig> {
  return loadConfig({ file: file ?? null, environment: process.env, workingFolder: process.cwd() });
}
