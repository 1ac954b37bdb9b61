import type { NotificationSettings } from '../../../src/domain/notices/notification-channel.js';

export const NO_NOTIFICATIONS: NotificationSettings = {
  watchSeconds: 300,
  holdSeconds: 300,
  channels: [],
};
