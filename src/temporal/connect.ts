import { readFile } from 'node:fs/promises';
import type { ConnectionOptions } from '@temporalio/client';
import { Client, type Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import type { LonghaulConfig } from '../config/config.js';
import { BackupError } from '../domain/errors.js';
import { connectClient } from './client-connection.js';
import { LOOPBACK, readServerRecord } from './server-record.js';

const CONNECT_TIMEOUT_MS = 5_000;
/** The only namespace of an embedded server; it creates it by itself. */
const EMBEDDED_NAMESPACE = 'default';

export type TemporalSettings = Pick<LonghaulConfig, 'temporal' | 'stateDirectory'>;

export interface TemporalClient {
  readonly connection: Connection;
  readonly client: Client;
  readonly namespace: string;
  /** `host:port`, for messages and links. */
  readonly address: string;
}

/** What both kinds of connection are made from. */
interface Endpoint {
  readonly address: string;
  readonly namespace: string;
  readonly tls: Exclude<ConnectionOptions['tls'], undefined>;
  readonly apiKey: string | undefined;
}

/** Connection and client for the configured server. With `embedded` that is the server which `longhaul serve` runs on the same
 *  state directory; its port is read from there. The caller closes `connection`.
 *  @throws TEMPORAL_UNREACHABLE, and CONFIG_INVALID for a certificate or key file that cannot be read. */
export async function connectTemporal(settings: TemporalSettings): Promise<TemporalClient> {
  const { address, namespace, tls, apiKey } = await readEndpoint(settings);
  const connection = await reach(address, () =>
    connectClient({
      address,
      tls,
      connectTimeout: CONNECT_TIMEOUT_MS,
      ...(apiKey === undefined ? {} : { apiKey }),
    }),
  );
  return { connection, client: new Client({ connection, namespace }), namespace, address };
}

/** Connection for workers. Needs `Runtime.install` before, if at all. The caller closes it, after its workers have ended.
 *  @throws as `connectTemporal`. */
export async function connectNative(
  settings: TemporalSettings,
): Promise<{ readonly connection: NativeConnection; readonly namespace: string }> {
  const { address, namespace, tls, apiKey } = await readEndpoint(settings);
  const connection = await reach(address, () =>
    NativeConnection.connect({ address, tls, ...(apiKey === undefined ? {} : { apiKey }) }),
  );
  return { connection, namespace };
}

async function readEndpoint({ temporal, stateDirectory }: TemporalSettings): Promise<Endpoint> {
  if (temporal.type === 'embedded') {
    const port = (await readServerRecord(stateDirectory))?.port ?? temporal.port;
    if (port === 0) {
      throw new BackupError(
        'TEMPORAL_UNREACHABLE',
        `No embedded Temporal server was ever started in ${stateDirectory}.`,
        { hint: 'Start `longhaul serve` first, or configure the address of a Temporal server.' },
      );
    }
    return {
      address: `${LOOPBACK}:${port}`,
      namespace: EMBEDDED_NAMESPACE,
      tls: false,
      apiKey: undefined,
    };
  }
  const { address, namespace, tls, apiKeyFile } = temporal;
  const apiKey = await readSetting('temporal.apiKeyFile', apiKeyFile);
  return {
    address,
    namespace,
    // Without TLS a key would travel in the clear, so the key alone turns TLS on.
    tls: tls === null ? apiKey !== undefined : await readTls(tls),
    apiKey: apiKey?.toString('utf8').trim(),
  };
}

type TlsSettings = Exclude<Extract<LonghaulConfig['temporal'], { type: 'external' }>['tls'], null>;

async function readTls(tls: TlsSettings): Promise<Endpoint['tls']> {
  const ca = await readSetting('temporal.tls.caFile', tls.caFile);
  const crt = await readSetting('temporal.tls.certFile', tls.certFile);
  const key = await readSetting('temporal.tls.keyFile', tls.keyFile);
  return {
    ...(tls.serverName === null ? {} : { serverNameOverride: tls.serverName }),
    ...(ca === undefined ? {} : { serverRootCACertificate: ca }),
    ...(crt === undefined || key === undefined ? {} : { clientCertPair: { crt, key } }),
  };
}

async function readSetting(setting: string, path: string | null): Promise<Buffer | undefined> {
  if (path === null) return undefined;
  try {
    return await readFile(path);
  } catch (error) {
    throw new BackupError('CONFIG_INVALID', `${setting}: ${path} cannot be read.`, {
      details: { setting, path },
      cause: error,
    });
  }
}

async function reach<T>(address: string, connect: () => Promise<T>): Promise<T> {
  try {
    return await connect();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BackupError(
      'TEMPORAL_UNREACHABLE',
      `The Temporal server at ${address} does not answer: ${reason}`,
      { details: { address }, cause: error },
    );
  }
}
