/** `longhaul notification`. */

import type { Command } from 'commander';
import type { DeliveryView, ExplainedDelivery } from '../../api/notices/deliveries.js';
import type { ChannelView } from '../../api/notices/notification-routes.js';
import type { Silence } from '../../domain/notices/silence.js';
import type { Act } from '../command-context.js';
import {
  display,
  displayLines,
  formatInstant,
  formatTable,
  type DisplayText,
} from '../display/display-text.js';

export function addNotificationCommands(program: Command, act: Act): void {
  const notification = program
    .command('notification')
    .description('Show and test the channels that are told when copies are not well.');
  act(
    notification.command('list').description('List the channels, and what they were told.'),
    async (context) => {
      const channels = await context.server.all<ChannelView>('/notification-channels');
      const notices = await context.server.all<ExplainedDelivery>('/notices');
      context.show({ channels, notices }, (columns) =>
        describeChannels(channels, notices, columns),
      );
    },
  );
  act(
    notification.command('test').argument('<channel>').description('Send a test to a channel.'),
    async (context, channel: string) => {
      const path = `/notification-channels/${encodeURIComponent(channel)}/test`;
      const delivery = await context.server.request<DeliveryView>('POST', path);
      context.show(delivery, () =>
        displayLines([
          display`Sent to ${channel}; \`longhaul notification list\` shows whether it was taken.`,
        ]),
      );
    },
  );
  act(
    notification
      .command('rehearse')
      .argument('<channel>')
      .description('Send a made-up alarm to a channel, and then that all is well again.'),
    async (context, channel: string) => {
      const path = `/notification-channels/${encodeURIComponent(channel)}/rehearse`;
      const deliveries = await context.server.request<object>('POST', path);
      context.show(
        deliveries,
        () => display`An alarm is on its way to ${channel}; its end follows in 15 seconds.`,
      );
    },
  );
  addSilenceCommands(notification, act);
}

interface SilenceFlags {
  readonly hours: string;
  readonly reason: string;
  readonly job?: string;
  readonly code?: string;
}

function addSilenceCommands(notification: Command, act: Act): void {
  act(
    notification
      .command('silence')
      .requiredOption('--hours <number>', 'after so long it ends by itself')
      .requiredOption('--reason <text>')
      .option('--job <job>', 'only problems of this job')
      .option('--code <code>', 'only problems of this code')
      .description('Tell nobody of some problems for a while.'),
    async (context, { hours, reason, job, code }: SilenceFlags) => {
      const body = {
        ...{ hours: Number(hours), reason },
        ...(job === undefined ? {} : { jobId: job }),
        ...(code === undefined ? {} : { code }),
      };
      const silence = await context.server.request<Silence>('POST', '/silences', { body });
      context.show(silence, (columns) => describeSilences([silence], columns));
    },
  );
  act(
    notification.command('silences').description('List the silences that hold.'),
    async (context) => {
      const silences = await context.server.all<Silence>('/silences');
      context.show(silences, (columns) => describeSilences(silences, columns));
    },
  );
  act(
    notification.command('unsilence').argument('<silence>').description('End a silence now.'),
    async (context, id: string) => {
      await context.server.request('DELETE', `/silences/${encodeURIComponent(id)}`);
      context.show({ ended: id }, () => display`Silence ${id} has ended.`);
    },
  );
}

function describeSilences(silences: readonly Silence[], columns: number): DisplayText {
  if (silences.length === 0) return display`No silences: everything is told.`;
  return formatTable(
    ['SILENCE', 'JOB', 'CODE', 'UNTIL', 'BY', 'REASON'],
    silences.map(({ id, jobId, code, until, createdBy, reason }) => [
      ...[id, jobId ?? 'all', code ?? 'all', formatInstant(until), createdBy, reason],
    ]),
    { columns, cut: ['REASON'] },
  );
}

function describeChannels(
  channels: readonly ChannelView[],
  notices: readonly ExplainedDelivery[],
  columns: number,
): DisplayText {
  if (channels.length === 0)
    return displayLines([display`No channels: nobody is told when copies are not well.`]);
  const lastOf = (id: string) => notices.find(({ channelId }) => channelId === id);
  const faults = channels.flatMap(({ id }) => {
    const reason = lastOf(id)?.reason ?? null;
    return reason === null ? [] : [display`${id}: ${reason}`];
  });
  const table = formatTable(
    ['CHANNEL', 'KIND', 'TOLD', 'DIGEST', 'QUIET', 'LAST', 'AT'],
    channels.map(({ id, kind, severity, digestAt, quietHours, job }) => {
      const last = lastOf(id);
      return [
        id,
        kind,
        severity ?? (job === null ? '-' : `sessions of ${job}`),
        digestAt ?? '-',
        quietHours === null ? '-' : `${quietHours.from}-${quietHours.to}`,
        last?.state ?? '-',
        formatInstant(last?.startedAt ?? null),
      ];
    }),
    { columns },
  );
  return displayLines(faults.length === 0 ? [table] : [table, display``, ...faults]);
}
