import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import { createApi } from '../../../src/api/create-api.js';
import type { LonghaulConfig } from '../../../src/config/config.js';
import type { SignInSettings } from '../../../src/domain/access/sign-in.js';
import { PAGES } from './built-pages.js';

const SMALL_CONFIG: LonghaulConfig = {
  server: { address: '127.0.0.1', port: 0, tokenFile: null, signIn: null },
  stateDirectory: '/nowhere',
  temporal: { type: 'embedded', binaryPath: null, port: 0, uiPort: 0 },
  repositories: [],
  copy: {
    heartbeatTimeoutSeconds: 30,
    batchBlocks: 1_024,
    parallelWorkloads: 4,
    unavailableLimitMinutes: 60,
  },
  notifications: { watchSeconds: 300, holdSeconds: 300, channels: [] },
  primaryBackups: [],
  logLevel: 'info',
};

interface ServedSignIn {
  readonly settings: SignInSettings;
  readonly clientSecret: string;
  /** That of its public address. */
  readonly port: number;
}

/** API and pages over a Temporal that nobody serves: what does not ask it answers.
 *  @param dashboardFolder default: the built pages */
export async function servePages(
  token: string | null,
  dashboardFolder = PAGES,
  signIn: ServedSignIn | null = null,
): Promise<{ readonly origin: string; close(): Promise<void> }> {
  const log = () => undefined;
  const app = createApi({
    client: new Client({ connection: Connection.lazy({ address: '127.0.0.1:1' }) }),
    config:
      signIn === null
        ? SMALL_CONFIG
        : { ...SMALL_CONFIG, server: { ...SMALL_CONFIG.server, signIn: signIn.settings } },
    signInSecrets: { clientSecret: signIn?.clientSecret ?? null },
    token,
    now: () => 0,
    logger: { info: log, warn: log, error: log },
    dashboardFolder,
  });
  const server = createServer(app).listen(signIn?.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
