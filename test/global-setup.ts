import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { isBackupError } from '../src/domain/errors.js';
import { startEmbeddedTemporal } from '../src/temporal/embedded-server.js';
import { findTemporalBinary } from '../src/temporal/find-binary.js';

/** A deleted execution would be gone only when the queues have passed all that came before it: half a minute for one alone, and more
 *  than three beside other test files, whose tasks wait in the same queue. */
const DELETED_AT_ONCE = ['transfer', 'visibility'].map(
  (queue) => `history.${queue}ProcessorEnsureCloseBeforeDelete=false`,
);

/** Its file is gone with the run, and nobody else reads it: to keep it safe at each step took half of the server's processor time. Tests that
 *  kill a server have one of their own. */
const UNSAFE_FILE = ['synchronous=off', 'journal_mode=memory', 'locking_mode=exclusive'];

declare module 'vitest' {
  interface ProvidedContext {
    /** `host:port` of the one server that all tests of a run share; null: no Temporal program here, tests are skipped. */
    temporalAddress: string | null;
    /** The program, for tests that run a server of their own. */
    temporalBinaryPath: string | null;
  }
}

/** Finds the program as the product does, without installing one. Its absence fails the run in CI, and where a path was set. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-temporal-'));
  const removeFolder = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const configuredPath = process.env['LONGHAUL_TEMPORAL_BINARY_PATH'] ?? null;
  let binaryPath: string;
  try {
    binaryPath = await findTemporalBinary({
      configuredPath,
      cacheFolder: join(import.meta.dirname, '..', '.cache', 'temporal'),
      env: process.env,
      mayInstall: false,
    });
  } catch (error) {
    await removeFolder();
    const isRequired = process.env['CI'] !== undefined || configuredPath !== null;
    if (isRequired || !isBackupError(error, 'TEMPORAL_BINARY_MISSING')) throw error;
    console.warn(`\nTests that need Temporal are skipped.\n${error.message}\n${error.hint}\n`);
    project.provide('temporalAddress', null);
    project.provide('temporalBinaryPath', null);
    return () => Promise.resolve();
  }
  const log = { info: () => undefined, warn: console.warn, error: console.error };
  const server = await startEmbeddedTemporal({
    binaryPath,
    stateDirectory: folder,
    port: 0,
    uiPort: 0,
    log,
    dynamicConfig: DELETED_AT_ONCE,
    sqlitePragmas: UNSAFE_FILE,
  });
  project.provide('temporalAddress', server.address);
  project.provide('temporalBinaryPath', binaryPath);
  return async () => {
    await server.stop();
    await removeFolder();
  };
}
