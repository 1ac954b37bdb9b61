/** Whether a channel takes what it is sent: one that does not is told through the others. Pure. */

/** What became of one message to one channel. */
export interface DeliveryFact {
  readonly channelId: string;
  /** `delivering`: it is on its way, perhaps tried again and again. */
  readonly state: 'delivering' | 'delivered' | 'failed';
  /** RFC 3339 UTC. */
  readonly startedAt: string;
}

export interface FailingChannel {
  readonly id: string;
  /** When the oldest message that it did not take was sent; epoch milliseconds. */
  readonly sinceMs: number;
}

/** Greylisting and restarts of a mail server take less. */
const LATE_MS = 60 * 60_000;

/** Channels that have taken nothing since a message that they refused, or that has been on its way for an hour; by id. */
export function failingChannels(
  channelIds: readonly string[],
  deliveries: readonly DeliveryFact[],
  nowMs: number,
): FailingChannel[] {
  return channelIds.flatMap((id) => {
    const ofChannel = deliveries
      .filter(({ channelId }) => channelId === id)
      .map(({ state, startedAt }) => ({ state, startedMs: Date.parse(startedAt) }));
    const taken = ofChannel.filter(({ state }) => state === 'delivered');
    const lastTakenMs = Math.max(-Infinity, ...taken.map(({ startedMs }) => startedMs));
    const refused = ofChannel.filter(
      ({ state, startedMs }) =>
        startedMs > lastTakenMs &&
        // A clock that went back says that it began in the future.
        (state === 'failed' || (state === 'delivering' && Math.abs(nowMs - startedMs) > LATE_MS)),
    );
    if (refused.length === 0) return [];
    return [{ id, sinceMs: Math.min(nowMs, ...refused.map(({ startedMs }) => startedMs)) }];
  });
}
