import { randomBytes } from 'node:crypto';
import proto from '@temporalio/proto';
import { connectClient } from '../../../src/temporal/client-connection.js';
import { prepareNamespace } from '../../../src/temporal/namespace.js';
import { externalSettings, temporalAddress } from './server.js';

/** A namespace of its own on the shared server, ready for use: workers of other test files never see its tasks. */
export async function ownNamespace(): Promise<ReturnType<typeof externalSettings>> {
  const address = temporalAddress();
  const namespace = `test-${randomBytes(6).toString('hex')}`;
  const connection = await connectClient({ address });
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: proto.google.protobuf.Duration.fromObject({
        seconds: 86_400,
      }),
    });
    await waitFor(() => connection.workflowService.describeNamespace({ namespace }));
    await waitFor(() => prepareNamespace(connection, namespace));
  } finally {
    await connection.close();
  }
  return externalSettings({ address, namespace });
}

/** A new namespace is known to all parts of the server only after its cache is renewed. */
async function waitFor(attempt: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
