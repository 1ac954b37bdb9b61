import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { expect, it } from 'vitest';
import { refreshTasks } from '../../../../src/api/sessions/live-tasks.js';
import { newTask } from '../../../../src/domain/sessions/copy-session.js';

const CHAIN = 'chain/offsite/nightly/web01';
const SESSION = 'session/nightly-2026-11-26T22:00:00Z';

/** Where the lock of the chain is held by a child of `parent`, which goes on in its second run. */
function heldBy(parent: string): Client {
  const answers = (runId: string | undefined) => ({
    describe: async () => ({
      runId: 'run-2',
      raw: { workflowExecutionInfo: { parentExecution: { workflowId: parent, runId: 'any' } } },
    }),
    query: async () => ({
      ...newTask('web01', 'web01'),
      ...{ state: 'copying', restorePoint: `asked ${runId}` },
    }),
  });
  return {
    options: { loadedDataConverter: { payloadConverter: defaultPayloadConverter } },
    withDeadline: (_: number, ask: () => unknown) => ask(),
    workflow: { getHandle: (_: string, runId?: string) => answers(runId) },
  } as unknown as Client;
}

it.each([
  ['its own child, by the run that was described', SESSION, 'copying', 'asked run-2'],
  ["not by another session's child of the same id", 'session/other-…', 'waiting', null],
])('a task is told by %s', async (_what, parent, state, restorePoint) => {
  const known = { ...newTask('web01', 'web01'), state: 'waiting' as const };
  const children = [{ workflowId: CHAIN, runId: '' }];
  const [task] = await refreshTasks(heldBy(parent), SESSION, children, [known]);
  expect(task).toMatchObject({ state, restorePoint });
});
