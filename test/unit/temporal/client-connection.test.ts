import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { expect, it } from 'vitest';
import { connectionInterceptors } from '../../../src/temporal/client-connection.js';

/** gRPC. */
const CANCELLED = 1;

it('a call that waits for its next try when its connection is closed fails, and throws nowhere else', async () => {
  const interceptors = connectionInterceptors();
  const connection = Connection.lazy({ address: '127.0.0.1:1', interceptors });
  const call = connection.workflowService.describeNamespace({ namespace: 'default' });
  const end = call.catch((error: unknown) => error);
  // Nobody listens there: the first try fails at once, and the second comes after a tenth of a second.
  await sleep(50);
  await connection.close();
  expect(await end).toMatchObject({ code: CANCELLED });
});
