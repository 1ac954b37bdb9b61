import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ThreadWaits } from '../../../src/mover/thread-messages.js';
import { tellWaits, WaitingRequests } from '../../../src/mover/waiting-requests.js';
import type { AwaitedStorage } from '../../../src/repository/unanswered-calls.js';

describe('requests of a thread that answers many', () => {
  let awaited: AwaitedStorage[];
  let requests: WaitingRequests;
  beforeEach(() => {
    awaited = [];
    requests = new WaitingRequests(() => awaited);
    requests.asks(1, 'nas1');
    requests.asks(1, 'good');
    requests.asks(2, 'good');
    requests.asks(3, 'nas1');
    requests.end(3);
  });
  afterEach(() => vi.useRealTimers());

  it('wait when storage that they have asked for has been silent for so long', () => {
    awaited = [
      { repositoryId: 'nas1', forMs: 4_000 },
      { repositoryId: 'good', forMs: 20 },
    ];
    expect(requests.waits(1_000)).toEqual([{ id: 1, repositoryId: 'nas1', forMs: 4_000 }]);
    expect(requests.waits(5_000)).toEqual([]);
  });

  it('are told as long as some wait, and once when none does any more', async () => {
    vi.useFakeTimers();
    const told: ThreadWaits[] = [];
    tellWaits(requests, (message) => told.push(message));
    await vi.advanceTimersByTimeAsync(3_000);
    expect(told).toEqual([]);
    awaited = [{ repositoryId: 'nas1', forMs: 4_000 }];
    await vi.advanceTimersByTimeAsync(1_000);
    awaited = [];
    await vi.advanceTimersByTimeAsync(3_000);
    expect(told).toEqual([
      { type: 'waits', waits: [{ id: 1, repositoryId: 'nas1', forMs: 4_000 }] },
      { type: 'waits', waits: [] },
    ]);
  });
});
