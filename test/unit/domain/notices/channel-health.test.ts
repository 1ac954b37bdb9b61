import { expect, it } from 'vitest';
import {
  failingChannels,
  type DeliveryFact,
} from '../../../../src/domain/notices/channel-health.js';

const NOW_MS = Date.parse('2026-11-26T12:00:00Z');
const sent = (state: DeliveryFact['state'], time: string, channelId = 'mail'): DeliveryFact => ({
  channelId,
  state,
  startedAt: `2026-11-26T${time}:00Z`,
});
const at = (time: string) => Date.parse(`2026-11-26T${time}:00Z`);

it.each([
  ['that was sent nothing', [], null],
  ['that took all', [sent('delivered', '08:00')], null],
  ['that refused the newest', [sent('failed', '09:00'), sent('delivered', '08:00')], '09:00'],
  ['that refused several', [sent('failed', '10:00'), sent('failed', '09:00')], '09:00'],
  ['that took one since', [sent('delivered', '10:00'), sent('failed', '09:00')], null],
  ['that is being tried for a while', [sent('delivering', '11:30')], null],
  ['that is being tried for an hour and more', [sent('delivering', '10:59')], '10:59'],
  [
    'that is being tried since a time two hours ahead, from before the clock went back',
    [sent('delivering', '14:00')],
    '12:00',
  ],
  ['beside one that refuses', [sent('failed', '09:00', 'chat')], null],
] as const)('a channel %s', (_, deliveries, since) => {
  expect(failingChannels(['mail'], deliveries, NOW_MS)).toEqual(
    since === null ? [] : [{ id: 'mail', sinceMs: at(since) }],
  );
});

it('one that is configured no more is nobody’s concern', () => {
  expect(failingChannels([], [sent('failed', '09:00')], NOW_MS)).toEqual([]);
});
