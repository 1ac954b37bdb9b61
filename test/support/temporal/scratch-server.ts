import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectTemporal, type TemporalSettings } from '../../../src/temporal/connect.js';
import { startEmbeddedTemporal } from '../../../src/temporal/embedded-server.js';
import { findTemporalBinary } from '../../../src/temporal/find-binary.js';
import { prepareNamespace } from '../../../src/temporal/namespace.js';

/** For scripts: a Temporal server with a prepared namespace, which is gone when `use` has ended.
 *  @throws TEMPORAL_BINARY_MISSING */
export async function withScratchServer(
  use: (temporal: TemporalSettings) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-temporal-'));
  try {
    const binaryPath = await findTemporalBinary({
      configuredPath: null,
      cacheFolder: join(import.meta.dirname, '..', '..', '..', '.cache', 'temporal'),
      env: process.env,
      mayInstall: false,
    });
    const ports = { port: 0, uiPort: 0 };
    const log = { info: () => undefined, warn: console.warn, error: console.error };
    const server = await startEmbeddedTemporal({
      binaryPath,
      stateDirectory: folder,
      ...ports,
      log,
    });
    try {
      const temporal: TemporalSettings = {
        stateDirectory: folder,
        temporal: { type: 'embedded', binaryPath, ...ports },
      };
      const { connection, namespace } = await connectTemporal(temporal);
      await prepareNamespace(connection, namespace);
      await connection.close();
      await use(temporal);
    } finally {
      await server.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
