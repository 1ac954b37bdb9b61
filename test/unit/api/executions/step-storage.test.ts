import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { storageHoldOf } from '../../../../src/api/executions/step-storage.js';

type Pending = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

const client = {
  options: { loadedDataConverter: { payloadConverter: defaultPayloadConverter } },
} as unknown as Client;

/** PendingActivityState (temporal/api/enums/v1/workflow.proto). */
const [SCHEDULED, STARTED, CANCEL_REQUESTED] = [1, 2, 3];

function step(name: string, details: unknown, changes: Partial<Pending> = {}): Pending {
  return {
    activityType: { name },
    state: STARTED,
    lastStartedTime: { seconds: 100, nanos: 0 },
    lastHeartbeatTime: { seconds: 100, nanos: 5e8 },
    heartbeatDetails: { payloads: [defaultPayloadConverter.toPayload(details)] },
    ...changes,
  } as unknown as Pending;
}

const waits = (repositoryId: string, seconds: number) => ({ waits: { repositoryId, seconds } });

describe('what the steps of a workflow wait for', () => {
  it('is the storage of the one that has waited for longest, with its step', () => {
    const copying = { processedBytes: 5, ...waits('offsite', 75) };
    expect(
      storageHoldOf(client, [step('planCopy', waits('nas1', 12)), step('copyBlocks', copying)]),
    ).toEqual({
      ...{ repositoryId: 'offsite', seconds: 75, step: 'copyBlocks' },
      code: 'REPOSITORY_UNREACHABLE',
      reason: 'storage of offsite has not answered for 75 s (copyBlocks)',
    });
  });

  it('is still that of a step that was asked to stop and stands in its call', () => {
    const asked = step('planCopy', waits('nas1', 12), { state: CANCEL_REQUESTED });
    expect(storageHoldOf(client, [asked])).toMatchObject({ repositoryId: 'nas1', seconds: 12 });
    const between = step('planCopy', waits('nas1', 12), { state: CANCEL_REQUESTED });
    delete between.lastStartedTime;
    expect(storageHoldOf(client, [between])).toBeNull();
  });

  it.each<[string, Pending[]]>([
    ['that tell of none', [step('copyBlocks', { processedBytes: 5 }), step('planCopy', null)]],
    ['without a heartbeat', [{ activityType: { name: 'planCopy' }, state: STARTED }]],
    ['that wait for their next try', [step('planCopy', waits('nas1', 12), { state: SCHEDULED })]],
    [
      'whose try has told nothing yet',
      [
        step('planCopy', waits('nas1', 12), {
          lastStartedTime: { seconds: 101, nanos: 0 } as unknown as Pending['lastStartedTime'],
        }),
      ],
    ],
  ])('is nothing for steps %s', (_what, pending) => {
    expect(storageHoldOf(client, pending)).toBeNull();
  });
});
