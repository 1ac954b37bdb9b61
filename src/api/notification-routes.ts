/** The channels that are told when copies are not well, and what they were told. */

import type { Client } from '@temporalio/client';
import { z } from 'zod';
import { BackupError } from '../domain/errors.js';
import type { NotificationSettings } from '../domain/notification-channel.js';
import { noticeId, type Notice } from '../domain/notice.js';
import {
  CONTROL_TASK_QUEUE,
  noticeWorkflowId,
  WORKFLOW_NOTIFY,
  type NotifyInput,
} from '../../workflows/messages.js';
import { deliveriesOf, MAX_DELIVERIES, type DeliveryView } from './deliveries.js';
import { pageSchema } from './field-schemas.js';
import { jsonRoute, type Route } from './route.js';

export interface ChannelView {
  readonly id: string;
  readonly kind: string;
  /** The least grave that it is told; null: it is told nothing (`ping`). */
  readonly severity: string | null;
  readonly jobs: readonly string[] | null;
  readonly digestAt: string | null;
}

const channelSchema: z.ZodType<ChannelView> = z
  .object({
    id: z.string(),
    kind: z.string(),
    severity: z.string().nullable(),
    jobs: z.array(z.string()).nullable(),
    digestAt: z.string().nullable(),
  })
  .meta({ id: 'NotificationChannel' });

const deliverySchema: z.ZodType<DeliveryView> = z
  .object({
    noticeId: z.string(),
    channelId: z.string(),
    state: z.enum(['delivering', 'delivered', 'failed']),
    startedAt: z.string(),
    endedAt: z.string().nullable(),
  })
  .meta({ id: 'NoticeDelivery' });

export function notificationRoutes({
  client,
  notifications,
  now,
}: {
  readonly client: Client;
  readonly notifications: NotificationSettings;
  readonly now: () => number;
}): Route[] {
  return [
    jsonRoute({
      method: 'get',
      path: '/notification-channels',
      operationId: 'listNotificationChannels',
      needs: 'view',
      subject: 'site',
      summary: 'Channels that are told when copies are not well, as the configuration has them.',
      status: 200,
      answer: pageSchema(channelSchema),
      errors: [],
      run: async () => ({ content: { items: notifications.channels.map(viewOf) } }),
    }),
    jsonRoute({
      method: 'get',
      path: '/notices',
      operationId: 'listNotices',
      needs: 'view',
      subject: 'site',
      summary: `What the channels were told, the newest ${MAX_DELIVERIES}.`,
      status: 200,
      answer: pageSchema(deliverySchema),
      errors: [],
      run: async () => ({ content: { items: await deliveriesOf(client) } }),
    }),
    jsonRoute({
      method: 'post',
      path: '/notification-channels/:channel/test',
      operationId: 'testNotificationChannel',
      needs: 'operate',
      subject: 'site',
      summary: 'Sends a test to a channel, as an alarm would be sent.',
      status: 202,
      answer: deliverySchema,
      errors: ['CHANNEL_MISSING', 'CHANNEL_REFUSED'],
      run: async ({ params }) => ({
        content: await sendTest(client, notifications, params.channel ?? '', now()),
      }),
    }),
  ];
}

function viewOf(channel: NotificationSettings['channels'][number]): ChannelView {
  const { id, kind } = channel;
  if (kind === 'ping') return { id, kind, severity: null, jobs: null, digestAt: null };
  const { severity, jobs, digestAt } = channel;
  return { id, kind, severity, jobs, digestAt };
}

/** @throws CHANNEL_MISSING, CHANNEL_REFUSED */
async function sendTest(
  client: Client,
  { channels }: NotificationSettings,
  channelId: string,
  nowMs: number,
): Promise<DeliveryView> {
  const channel = channels.find(({ id }) => id === channelId);
  if (channel === undefined)
    throw new BackupError(
      'CHANNEL_MISSING',
      `no notification channel "${channelId}" is configured`,
    );
  if (channel.kind === 'ping')
    throw new BackupError('CHANNEL_REFUSED', `channel ${channelId} is called at each look anyway`);
  const at = new Date(nowMs).toISOString();
  const notice: Notice = {
    id: noticeId('test', nowMs),
    ...{ number: 0, kind: 'test', severity: null, at },
    subject: 'Test of this channel',
    lines: ['Longhaul was asked to show that it reaches you. Nothing is wrong.'],
  };
  const input: NotifyInput = { channelId, notice };
  await client.workflow.start(WORKFLOW_NOTIFY, {
    workflowId: noticeWorkflowId(notice.id, channelId),
    taskQueue: CONTROL_TASK_QUEUE,
    args: [input],
    staticSummary: notice.subject,
  });
  return { noticeId: notice.id, channelId, state: 'delivering', startedAt: at, endedAt: null };
}
