import type { NotificationSettings } from '../../../src/domain/safety/notification-channel.js';

export const NO_NOTIFICATIONS: NotificationSettings = {
  watchSeconds: 300,
  holdSeconds: 300,
  channels: [],
};
