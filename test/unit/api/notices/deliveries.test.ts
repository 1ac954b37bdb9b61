import { WorkflowFailedError, type Client } from '@temporalio/client';
import {
  ApplicationFailure,
  defaultFailureConverter,
  defaultPayloadConverter,
} from '@temporalio/common';
import { expect, it } from 'vitest';
import { explainedDeliveries } from '../../../../src/api/notices/deliveries.js';
import { noticeWorkflowId } from '../../../../workflows/messages.js';

const AT = new Date('2026-11-28T01:00:00Z');

/** As Temporal's server lists and describes deliveries. */
function temporalWith(deliveries: readonly { notice: string; state: string; fault?: string }[]): {
  client: Client;
  asked: string[];
} {
  const asked: string[] = [];
  const converter = {
    payloadConverter: defaultPayloadConverter,
    failureConverter: defaultFailureConverter,
  };
  const failureOf = (text: string) =>
    ApplicationFailure.nonRetryable(text, 'CHANNEL_UNREACHABLE', { hint: 'It is tried again.' });
  const listed = deliveries.map(({ notice, state }, index) => ({
    workflowId: noticeWorkflowId(notice, 'night'),
    status: { name: state },
    startTime: new Date(AT.getTime() - index),
    closeTime: null,
  }));
  const client = {
    options: { loadedDataConverter: converter },
    workflow: {
      list: () => listed,
      getHandle: (workflowId: string) => {
        asked.push(workflowId);
        const fault = deliveries.find(
          ({ notice }) => noticeWorkflowId(notice, 'night') === workflowId,
        )?.fault;
        return {
          describe: () =>
            Promise.resolve({
              raw: {
                pendingActivities:
                  fault === undefined
                    ? []
                    : [
                        {
                          attempt: 4,
                          lastFailure: defaultFailureConverter.errorToFailure(
                            failureOf(fault),
                            defaultPayloadConverter,
                          ),
                        },
                      ],
              },
            }),
          result: () =>
            Promise.reject(new WorkflowFailedError('failed', failureOf(fault ?? ''), 'TIMEOUT')),
        };
      },
    },
  } as unknown as Client;
  return { client, asked };
}

it('says why a channel has not taken a message yet, or was given up', async () => {
  const { client, asked } = temporalWith([
    { notice: 'alarm-1', state: 'RUNNING', fault: 'channel night: ESOCKET' },
    { notice: 'alarm-2', state: 'FAILED', fault: 'channel night: 550 no such user' },
    { notice: 'alarm-3', state: 'RUNNING' },
    { notice: 'alarm-4', state: 'COMPLETED' },
  ]);
  const told = await explainedDeliveries(client);
  expect(told.map(({ noticeId, state, reason }) => [noticeId, state, reason])).toEqual([
    ['alarm-1', 'delivering', 'channel night: ESOCKET. It is tried again.'],
    ['alarm-2', 'failed', 'channel night: 550 no such user'],
    ['alarm-3', 'delivering', null],
    ['alarm-4', 'delivered', null],
  ]);
  expect(asked).toHaveLength(3);
});

it('asks for the reasons of the newest twenty alone', async () => {
  const deliveries = Array.from({ length: 60 }, (_, index) => ({
    ...{ notice: `alarm-${index}`, state: 'RUNNING', fault: 'no answer' },
  }));
  const { client, asked } = temporalWith(deliveries);
  const told = await explainedDeliveries(client);
  expect(told.filter(({ reason }) => reason !== null)).toHaveLength(20);
  expect(asked).toHaveLength(20);
});
