import { describe, expect, it, vi } from 'vitest';
import { aroundCalls, fileCallsOfThisThread } from '../../../src/repository/calls-of-thread.js';
import { awaitedStorage } from '../../../src/repository/unanswered-calls.js';

const disk = vi.hoisted(() => ({ answer: (): void => undefined }));

vi.mock('node:worker_threads', async (original) => ({
  ...(await original<typeof import('node:worker_threads')>()),
  isMainThread: false,
}));
vi.mock('../../../src/repository/file-calls.js', () => ({
  asynchronousCalls: {},
  synchronousCalls: {
    open: async () => ({
      datasync: () => new Promise<void>((resolve) => (disk.answer = resolve)),
      stat: async () => ({}),
    }),
  },
}));

describe('a thread that waits for storage', () => {
  it('knows what it waits for while a sync does, for which it does not stand', async () => {
    let standing = 0;
    aroundCalls(() => (call) => {
      standing += 1;
      try {
        return call();
      } finally {
        standing -= 1;
      }
    });
    const file = await fileCallsOfThisThread('nas1', '/mnt/nas1').open('/mnt/nas1/a', 0);
    await file.stat({ bigint: true });
    expect(awaitedStorage()).toEqual([]);
    const syncing = file.datasync();
    await new Promise((resolve) => setImmediate(resolve));
    expect([standing, awaitedStorage()]).toEqual([
      0,
      [{ repositoryId: 'nas1', forMs: expect.any(Number) as number }],
    ]);
    disk.answer();
    await syncing;
    expect(awaitedStorage()).toEqual([]);
  });
});
