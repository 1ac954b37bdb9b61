/** The channels that are told when copies are not well, and what they were told. */

import type { Client } from '@temporalio/client';
import { z } from 'zod';
import { BackupError } from '../../domain/errors.js';
import type { NotificationSettings } from '../../domain/notices/notification-channel.js';
import { noticeId, rehearsal, type Notice } from '../../domain/notices/notice.js';
import type { QuietHours } from '../../domain/notices/quiet-hours.js';
import {
  CONTROL_TASK_QUEUE,
  noticeWorkflowId,
  WORKFLOW_NOTIFY,
  type NotifyInput,
} from '../../../workflows/messages.js';
import {
  explainedDeliveries,
  MAX_DELIVERIES,
  type DeliveryView,
  type ExplainedDelivery,
} from './deliveries.js';
import { pageSchema } from '../field-schemas.js';
import { jsonRoute, type Route } from '../route.js';

export interface ChannelView {
  readonly id: string;
  readonly kind: string;
  /** The least grave that it is told; null: it is told nothing (`ping`). */
  readonly severity: string | null;
  readonly jobs: readonly string[] | null;
  readonly digestAt: string | null;
  readonly quietHours: QuietHours | null;
  /** Of a `ping`: the job whose sessions it is told of; null: it is called after each look that was made, or is no `ping`. */
  readonly job: string | null;
}

const channelSchema: z.ZodType<ChannelView> = z
  .object({
    id: z.string(),
    kind: z.string(),
    severity: z.string().nullable(),
    jobs: z.array(z.string()).nullable(),
    digestAt: z.string().nullable(),
    quietHours: z
      .object({ from: z.string(), to: z.string() })
      .meta({ id: 'QuietHours' })
      .nullable(),
    job: z.string().nullable().meta({
      description:
        'Of a `ping`: the job whose sessions it is told of; null: it is called after each look that was made.',
    }),
  })
  .meta({ id: 'NotificationChannel' });

const delivery = z.object({
  noticeId: z.string(),
  channelId: z.string(),
  state: z.enum(['delivering', 'delivered', 'failed']),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
});

const deliverySchema: z.ZodType<DeliveryView> = delivery.meta({ id: 'NoticeDelivery' });

const explainedSchema: z.ZodType<ExplainedDelivery> = delivery
  .extend({
    reason: z.string().nullable().describe('why its last try failed; null: none has'),
  })
  .meta({ id: 'ExplainedDelivery' });

interface NotificationServices {
  readonly client: Client;
  readonly notifications: NotificationSettings;
  readonly now: () => number;
}

export function notificationRoutes(services: NotificationServices): Route[] {
  return [...listRoutes(services), ...trialRoutes(services)];
}

function listRoutes({ client, notifications }: NotificationServices): Route[] {
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
      answer: pageSchema(explainedSchema),
      errors: [],
      run: async () => ({ content: { items: await explainedDeliveries(client) } }),
    }),
  ];
}

function trialRoutes({ client, notifications, now }: NotificationServices): Route[] {
  return [
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
    jsonRoute({
      method: 'post',
      path: '/notification-channels/:channel/rehearse',
      operationId: 'rehearseNotificationChannel',
      needs: 'operate',
      subject: 'site',
      summary: `Sends a made-up alarm to a channel, as grave as it gets, and ${REHEARSAL_SECONDS} seconds later that all is well again.`,
      status: 202,
      answer: pageSchema(deliverySchema),
      errors: ['CHANNEL_MISSING', 'CHANNEL_REFUSED'],
      run: async ({ params }) => ({
        content: {
          items: await sendRehearsal(client, notifications, params.channel ?? '', now()),
        },
      }),
    }),
  ];
}

function viewOf(channel: NotificationSettings['channels'][number]): ChannelView {
  const { id, kind } = channel;
  if (kind === 'ping')
    return {
      ...{ id, kind, severity: null, jobs: null, digestAt: null, quietHours: null },
      job: channel.job,
    };
  const { severity, jobs, digestAt, quietHours } = channel;
  return { id, kind, severity, jobs, digestAt, quietHours, job: null };
}

/** @throws CHANNEL_MISSING, CHANNEL_REFUSED */
async function sendTest(
  client: Client,
  { channels }: NotificationSettings,
  channelId: string,
  nowMs: number,
): Promise<DeliveryView> {
  requireTold(channels, channelId);
  const at = new Date(nowMs).toISOString();
  const notice: Notice = {
    id: noticeId('test', nowMs),
    ...{ number: 0, kind: 'test', severity: null, at },
    subject: 'Test of this channel',
    lines: ['Longhaul was asked to show that it reaches you. Nothing is wrong.'],
  };
  return send(client, channelId, notice);
}

/** Long enough to be seen as two messages. */
const REHEARSAL_SECONDS = 15;

/** @throws CHANNEL_MISSING, CHANNEL_REFUSED */
async function sendRehearsal(
  client: Client,
  { channels }: NotificationSettings,
  channelId: string,
  nowMs: number,
): Promise<DeliveryView[]> {
  requireTold(channels, channelId);
  const [alarm, recovery] = rehearsal(nowMs);
  return [
    await send(client, channelId, alarm),
    await send(client, channelId, recovery, REHEARSAL_SECONDS),
  ];
}

/** @throws CHANNEL_MISSING, CHANNEL_REFUSED */
function requireTold(channels: NotificationSettings['channels'], channelId: string): void {
  const channel = channels.find(({ id }) => id === channelId);
  if (channel === undefined)
    throw new BackupError(
      'CHANNEL_MISSING',
      `no notification channel "${channelId}" is configured`,
    );
  if (channel.kind === 'ping')
    throw new BackupError('CHANNEL_REFUSED', `channel ${channelId} is called by itself anyway`);
}

async function send(
  client: Client,
  channelId: string,
  notice: Notice,
  delaySeconds = 0,
): Promise<DeliveryView> {
  const input: NotifyInput = { channelId, notice };
  await client.workflow.start(WORKFLOW_NOTIFY, {
    workflowId: noticeWorkflowId(notice.id, channelId),
    taskQueue: CONTROL_TASK_QUEUE,
    args: [input],
    staticSummary: notice.subject,
    ...(delaySeconds === 0 ? {} : { startDelay: `${delaySeconds}s` as const }),
  });
  const { id: noticeId, at: startedAt } = notice;
  return { noticeId, channelId, state: 'delivering', startedAt, endedAt: null };
}
