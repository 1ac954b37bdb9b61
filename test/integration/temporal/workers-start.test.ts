import { writeFile } from 'node:fs/promises';
import { afterEach, expect, it } from 'vitest';
import { startWorkers } from '../../../src/bin/workers.js';
import { connectNative, connectTemporal } from '../../../src/temporal/connect.js';
import { NO_NOTIFICATIONS } from '../../support/notify/no-notifications.js';
import { TestSite } from '../../support/session/test-site.js';
import { TEST_SETTINGS } from '../../support/session/test-workers.js';
import { quietRuntime } from '../../support/temporal/quiet-runtime.js';
import { ownNamespace } from '../../support/temporal/own-namespace.js';
import { describeTemporal } from '../../support/temporal/server.js';

describeTemporal('workers of which one cannot be made', () => {
  let site: TestSite;
  afterEach(() => site.remove());

  it('leave no connection that keeps the process from ending', async () => {
    quietRuntime();
    site = await TestSite.create(null);
    const own = await ownNamespace();
    const { client, connection } = await connectTemporal(own);
    const native = await connectNative(own);
    const workflowBundle = site.path('bundle.js');
    await writeFile(workflowBundle, 'no bundle');
    const started = startWorkers({
      ...{ ...native, client, workflowBundle, served: ['primary'], servesControl: true },
      ...{ repositories: site.repositories, stateDirectory: null, primaryBackups: [] },
      ...{ settings: TEST_SETTINGS, notifications: NO_NOTIFICATIONS },
      logger: { warn: () => undefined, error: () => undefined },
    });
    await expect(started).rejects.toThrow();
    await expect(native.connection.close()).rejects.toThrow('already closed');
    await connection.close();
  });
});
