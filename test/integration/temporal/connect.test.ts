import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connectNative, connectTemporal } from '../../../src/temporal/connect.js';
import type { TemporalClient } from '../../../src/temporal/connect.js';
import { prepareNamespace } from '../../../src/temporal/namespace.js';
import { quietRuntime } from '../../support/temporal/quiet-runtime.js';
import {
  describeTemporal,
  externalSettings,
  sharedTemporalSettings,
} from '../../support/temporal/server.js';

const KEYWORD = 2;
const INT = 3;
const DAY_S = 86_400;

describeTemporal('prepareNamespace', () => {
  let temporal: TemporalClient;
  beforeAll(async () => {
    temporal = await connectTemporal(sharedTemporalSettings());
  });
  afterAll(() => temporal.connection.close());

  it('makes the seven search attributes Keywords and keeps closed sessions for 30 days, also when repeated', async () => {
    const namespace = await newNamespace(1);

    expect(await prepareNamespace(temporal.connection, namespace)).toEqual({ retentionDays: 30 });
    expect(await prepareNamespace(temporal.connection, namespace)).toEqual({ retentionDays: 30 });

    expect(await attributesOf(namespace)).toEqual({
      LonghaulAfterJob: KEYWORD,
      LonghaulIdempotencyKey: KEYWORD,
      LonghaulJobId: KEYWORD,
      LonghaulJobName: KEYWORD,
      LonghaulJobVersion: KEYWORD,
      LonghaulResult: KEYWORD,
      LonghaulWorkload: KEYWORD,
    });
    expect(await retentionDaysOf(namespace)).toBe(30);
  });

  it('leaves a longer retention alone', async () => {
    const namespace = await newNamespace(90);

    expect(await prepareNamespace(temporal.connection, namespace)).toEqual({ retentionDays: 90 });
    expect(await retentionDaysOf(namespace)).toBe(90);
  });

  it('refuses a namespace in which a search attribute has another type', async () => {
    const namespace = await newNamespace(1);
    await temporal.connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: { LonghaulResult: INT },
    });

    await expect(prepareNamespace(temporal.connection, namespace)).rejects.toMatchObject({
      code: 'TEMPORAL_NAMESPACE_INVALID',
      details: { searchAttribute: 'LonghaulResult' },
    });
  });

  it('refuses a namespace that does not exist, by name', async () => {
    await expect(prepareNamespace(temporal.connection, 'absent')).rejects.toMatchObject({
      code: 'TEMPORAL_NAMESPACE_INVALID',
      message: 'The Temporal server has no namespace "absent".',
    });
  });

  async function newNamespace(retentionDays: number): Promise<string> {
    const namespace = `prepare-${randomUUID()}`;
    const { google } = await import('@temporalio/proto');
    await temporal.connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: google.protobuf.Duration.fromObject({
        seconds: retentionDays * DAY_S,
      }),
    });
    return namespace;
  }

  async function attributesOf(namespace: string): Promise<unknown> {
    const { operatorService } = temporal.connection;
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
    return Object.fromEntries(
      Object.entries(customAttributes).filter(([name]) => name.startsWith('Longhaul')),
    );
  }

  async function retentionDaysOf(namespace: string): Promise<number> {
    const { config } = await temporal.connection.workflowService.describeNamespace({ namespace });
    return Number(config?.workflowExecutionRetentionTtl?.seconds) / DAY_S;
  }
});

beforeAll(quietRuntime);

describeTemporal('connectNative', () => {
  it('reaches the configured server', async () => {
    const { connection, namespace } = await connectNative(sharedTemporalSettings());
    const { serverVersion } = await connection.workflowService.getSystemInfo({});
    await connection.close();

    expect(namespace).toBe('default');
    expect(serverVersion).toMatch(/^1\.\d+\.\d+/);
  });
});

describe('connectTemporal', () => {
  let folder: string | undefined;
  afterEach(async () => {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  it.each([
    ['connectTemporal', connectTemporal],
    ['connectNative', connectNative],
  ])('%s says which address does not answer', async (_name, connect) => {
    await expect(connect(externalSettings({ address: '127.0.0.1:9' }))).rejects.toMatchObject({
      code: 'TEMPORAL_UNREACHABLE',
      message: expect.stringContaining('127.0.0.1:9 does not answer') as string,
    });
  });

  it('says that no embedded server was started when the state directory knows none', async () => {
    folder = await mkdtemp(join(tmpdir(), 'longhaul-connect-'));

    await expect(
      connectTemporal({
        stateDirectory: folder,
        temporal: { type: 'embedded', binaryPath: null, port: 0, uiPort: 0 },
      }),
    ).rejects.toMatchObject({
      code: 'TEMPORAL_UNREACHABLE',
      message: `No embedded Temporal server was ever started in ${folder}.`,
    });
  });

  it('names the setting and the path of a key file that cannot be read', async () => {
    const settings = externalSettings({ address: '127.0.0.1:9', apiKeyFile: '/nowhere/key' });

    await expect(connectTemporal(settings)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'temporal.apiKeyFile: /nowhere/key cannot be read.',
    });
  });
});
