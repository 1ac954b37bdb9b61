/** One page of Temporal's visibility, with its token as a cursor that clients can hold. */

import { createHash } from 'node:crypto';
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { executionInfoFromRaw } from '@temporalio/client/lib/helpers.js';
import { invalidRequest } from '../route.js';

interface ExecutionPage {
  /** Running ones first, then by end, newest first (the server's own order; it refuses ORDER BY). */
  readonly executions: readonly WorkflowExecutionInfo[];
  /** null: this was the last page. */
  readonly nextCursor: string | null;
}

/** Bytes of the checksum in front of a cursor. */
const CHECKSUM_BYTES = 8;

/** @throws REQUEST_INVALID when the cursor is not one of this list */
export async function listExecutions(
  client: Client,
  query: string,
  { pageSize, cursor }: { pageSize: number; cursor?: string },
): Promise<ExecutionPage> {
  const { namespace, loadedDataConverter } = client.options;
  const nextPageToken = cursor === undefined ? undefined : tokenOf(cursor, query);
  const page = await client.workflowService.listWorkflowExecutions({
    namespace,
    query,
    pageSize,
    nextPageToken,
  });
  const executions = await Promise.all(
    (page.executions ?? []).map((raw) =>
      executionInfoFromRaw(raw, loadedDataConverter, raw, namespace),
    ),
  );
  const token = page.nextPageToken;
  return {
    executions,
    nextCursor:
      token === undefined || token === null || token.length === 0 ? null : cursorOf(token, query),
  };
}

/** The server meets a token that is not its own with an internal error after many retries, so a checksum finds it first. */
function cursorOf(token: Uint8Array, query: string): string {
  return Buffer.concat([checksum(token, query), token]).toString('base64url');
}

function tokenOf(cursor: string, query: string): Uint8Array {
  const bytes = Buffer.from(cursor, 'base64url');
  const token = bytes.subarray(CHECKSUM_BYTES);
  if (!bytes.subarray(0, CHECKSUM_BYTES).equals(checksum(token, query))) {
    throw invalidRequest([{ path: 'query.cursor', message: 'not a cursor of this list' }]);
  }
  return token;
}

function checksum(token: Uint8Array, query: string): Buffer {
  return createHash('sha256').update(query).update(token).digest().subarray(0, CHECKSUM_BYTES);
}
