import { describe, expect, it } from 'vitest';
import type { FileCalls } from '../../../src/repository/file-calls.js';
import {
  asCaller,
  awaitedStorage,
  UnansweredCalls,
  unansweredCallsOf,
  whileAnswered,
} from '../../../src/repository/unanswered-calls.js';

const MINUTE_MS = 60_000;

describe('calls of a storage that does not answer', () => {
  const storage = () => {
    let now = 0;
    let asked = 0;
    const answers: (() => void)[] = [];
    const hanging = async (): Promise<never[]> => {
      asked += 1;
      await new Promise<void>((resolve) => answers.push(resolve));
      return [];
    };
    // Nothing else is asked here.
    const calls = { listNames: hanging } as unknown as FileCalls;
    const watched = whileAnswered(calls, new UnansweredCalls('nas1', () => now));
    const look = () => watched.listNames('/mnt/nas1').then(String, (error: unknown) => error);
    return {
      look,
      pass: (ms: number) => (now += ms),
      asked: () => asked,
      answer: () => answers.splice(0).forEach((resolve) => resolve()),
    };
  };

  it('are refused once eight have waited for a minute', async () => {
    const { look, pass, asked } = storage();
    for (let call = 0; call < 8; call += 1) void look();
    pass(MINUTE_MS);
    expect(await look()).toMatchObject({
      code: 'REPOSITORY_UNREACHABLE',
      details: { repositoryId: 'nas1', seconds: 60 },
    });
    expect(asked()).toBe(8);
  });

  it('are made while fewer wait, or not for so long', () => {
    const { look, pass, asked } = storage();
    for (let call = 0; call < 7; call += 1) void look();
    pass(MINUTE_MS);
    for (let call = 0; call < 20; call += 1) void look();
    pass(MINUTE_MS - 1);
    expect(asked()).toBe(27);
  });

  it('are made again when the storage has answered', async () => {
    const { look, pass, asked, answer } = storage();
    const waiting = Array.from({ length: 8 }, look);
    pass(MINUTE_MS);
    answer();
    await Promise.all(waiting);
    void look();
    expect(asked()).toBe(9);
  });
});

describe('calls that this thread waits for', () => {
  it('are told of the whole thread, and of each caller', async () => {
    const ends: (() => void)[] = [];
    const hang = () => new Promise<void>((resolve) => ends.push(resolve));
    const calls = unansweredCallsOf('nas-of-callers', '/mnt/nas-of-callers');
    const [first, second] = [{}, {}];
    const asked = [
      asCaller(first, async () => {
        await Promise.resolve();
        await calls.follow(hang);
      }),
      asCaller(second, () => Promise.resolve()),
    ];
    await new Promise((resolve) => setImmediate(resolve));
    const named = [{ repositoryId: 'nas-of-callers', forMs: expect.any(Number) as number }];
    expect([awaitedStorage(), awaitedStorage(first), awaitedStorage(second)]).toEqual([
      ...[named, named, []],
    ]);
    for (const end of ends) end();
    await Promise.all(asked);
    expect(awaitedStorage()).toEqual([]);
  });
});
