import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import { isGrpcServiceError } from '@temporalio/client';
import proto from '@temporalio/proto';
import { SEARCH_ATTRIBUTES } from '../../workflows/messages.js';
import { BackupError } from '../domain/errors.js';

/** The package is CommonJS whose names Node cannot see: only its default can be imported. */
const { google, temporal } = proto;

/** How long closed sessions stay listed. The development server would forget them after one day. */
const RETENTION_DAYS = 30;
const SECONDS_A_DAY = 86_400;
const RETENTION = google.protobuf.Duration.fromObject({ seconds: RETENTION_DAYS * SECONDS_A_DAY });
/** A development server has new search attributes at once, a cluster after its caches are renewed. */
const USABLE_TIMEOUT_MS = 60_000;
const RETRY_INTERVAL_MS = 250;
const KEYWORD = temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD;

/** Status codes of gRPC that are met here. */
const GRPC = { invalidArgument: 3, notFound: 5, alreadyExists: 6, permissionDenied: 7 } as const;

/** Makes a namespace fit for Longhaul: every name in SEARCH_ATTRIBUTES is a Keyword that queries accept, and closed workflows
 *  are kept for at least RETENTION_DAYS; a longer time is left alone. May be repeated, also by several processes at once.
 *  @returns the days that closed workflows are kept; fewer than RETENTION_DAYS only where the server forbids the change.
 *  @throws TEMPORAL_NAMESPACE_INVALID when the namespace is missing, or a search attribute has another type;
 *  TEMPORAL_UNREACHABLE when the attributes cannot be used in time. */
export async function prepareNamespace(
  connection: Connection,
  namespace: string,
): Promise<{ readonly retentionDays: number }> {
  const retentionDays = await extendRetention(connection, namespace);
  await addSearchAttributes(connection, namespace);
  await waitUntilUsable(connection, namespace);
  return { retentionDays };
}

async function extendRetention(connection: Connection, namespace: string): Promise<number> {
  const { workflowService } = connection;
  try {
    const { config } = await workflowService.describeNamespace({ namespace });
    const days = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) / SECONDS_A_DAY;
    if (days >= RETENTION_DAYS) return days;
    try {
      await workflowService.updateNamespace({
        namespace,
        config: { workflowExecutionRetentionTtl: RETENTION },
      });
    } catch (error) {
      if (hasStatus(error, GRPC.permissionDenied)) return days;
      throw error;
    }
    return RETENTION_DAYS;
  } catch (error) {
    if (!hasStatus(error, GRPC.notFound)) throw error;
    throw new BackupError(
      'TEMPORAL_NAMESPACE_INVALID',
      `The Temporal server has no namespace "${namespace}".`,
      { details: { namespace }, cause: error },
    );
  }
}

async function addSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const { operatorService } = connection;
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  const missing: Record<string, typeof KEYWORD> = {};
  for (const name of Object.values(SEARCH_ATTRIBUTES)) {
    const type = customAttributes[name];
    if (type === undefined) missing[name] = KEYWORD;
    // The server would "add" it again without a word and keep the other type.
    else if (type !== KEYWORD) throw foreignAttribute(namespace, name);
  }
  if (Object.keys(missing).length === 0) return;
  try {
    await operatorService.addSearchAttributes({ namespace, searchAttributes: missing });
  } catch (error) {
    // Another Longhaul process was faster.
    if (!hasStatus(error, GRPC.alreadyExists)) throw error;
  }
}

async function waitUntilUsable(connection: Connection, namespace: string): Promise<void> {
  const query = Object.values(SEARCH_ATTRIBUTES)
    .map((name) => `${name} = 'none'`)
    .join(' OR ');
  const deadline = performance.now() + USABLE_TIMEOUT_MS;
  for (;;) {
    try {
      await connection.workflowService.countWorkflowExecutions({ namespace, query });
      return;
    } catch (error) {
      if (!hasStatus(error, GRPC.invalidArgument)) throw error;
      if (performance.now() > deadline) {
        throw new BackupError(
          'TEMPORAL_UNREACHABLE',
          `The namespace "${namespace}" does not accept its new search attributes after ${USABLE_TIMEOUT_MS} ms.`,
          { details: { namespace }, cause: error },
        );
      }
      await sleep(RETRY_INTERVAL_MS);
    }
  }
}

function foreignAttribute(namespace: string, name: string): BackupError {
  return new BackupError(
    'TEMPORAL_NAMESPACE_INVALID',
    `The search attribute ${name} of the namespace "${namespace}" exists with another type than Keyword.`,
    { details: { namespace, searchAttribute: name } },
  );
}

function hasStatus(error: unknown, code: number): boolean {
  return isGrpcServiceError(error) && Number(error.code) === code;
}
