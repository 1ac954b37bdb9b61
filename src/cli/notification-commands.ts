/** `longhaul notification`. */

import type { Command } from 'commander';
import type { DeliveryView } from '../api/deliveries.js';
import type { ChannelView } from '../api/notification-routes.js';
import type { Act } from './command-context.js';
import { display, displayLines, formatTable, type DisplayText } from './display-text.js';

export function addNotificationCommands(program: Command, act: Act): void {
  const notification = program
    .command('notification')
    .description('Show and test the channels that are told when copies are not well.');
  act(
    notification.command('list').description('List the channels, and what they were told.'),
    async (context) => {
      const channels = await context.server.all<ChannelView>('/notification-channels');
      const notices = await context.server.all<DeliveryView>('/notices');
      context.show({ channels, notices }, () => describeChannels(channels, notices));
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
}

function describeChannels(
  channels: readonly ChannelView[],
  notices: readonly DeliveryView[],
): DisplayText {
  if (channels.length === 0)
    return displayLines([display`No channels: nobody is told when copies are not well.`]);
  return formatTable(
    ['CHANNEL', 'KIND', 'TOLD', 'DIGEST', 'LAST', 'AT'],
    channels.map(({ id, kind, severity, digestAt }) => {
      const last = notices.find(({ channelId }) => channelId === id);
      return [
        id,
        kind,
        severity ?? '-',
        digestAt ?? '-',
        last?.state ?? '-',
        last?.startedAt ?? '-',
      ];
    }),
  );
}
