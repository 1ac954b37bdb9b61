import { describe, expect, it } from 'vitest';
import { untilSessionEnds } from '../../../src/cli/client/follow-session.js';
import type { ExitName } from '../../../src/cli/exit-codes.js';
import { ServerError } from '../../../src/cli/client/server-client.js';
import { BackupError } from '../../../src/domain/errors.js';

const ID = 'nightly-2026-11-24T22:00:00Z';
const MINUTE_MS = 60_000;

describe('a command that follows a session', () => {
  /** Each connection lasts so long, tells something unless it fails soon, and ends so; each pause lasts a minute. */
  function following(connections: readonly (readonly [number, ExitName | Error | null])[]) {
    let [asked, nowMs] = [0, 0];
    const follow = {
      connect: async (hasTold: () => void) => {
        const [lastsMs, end] = connections[asked] ?? connections.at(-1)!;
        asked += 1;
        if (!(end instanceof Error) || lastsMs > MINUTE_MS) hasTold();
        nowMs += lastsMs;
        if (end instanceof Error) throw end;
        return end;
      },
      pause: async () => void (nowMs += MINUTE_MS),
      nowMs: () => nowMs,
    };
    return { follow, asked: () => asked };
  }
  const silent = new BackupError('SERVER_UNREACHABLE', 'no answer');
  const starting = new ServerError('TEMPORAL_UNREACHABLE', 'not yet', '');

  it('takes the session up again from a server that is started anew', async () => {
    const { follow } = following([
      [20 * MINUTE_MS, null],
      [20 * MINUTE_MS, silent],
      [0, silent],
      [0, starting],
      [MINUTE_MS, 'warning'],
    ]);
    expect(await untilSessionEnds(ID, follow)).toBe('warning');
  });

  it('gives up on a server that is asked for long each time and never answers', async () => {
    const { follow, asked } = following([[10_000, silent]]);
    await expect(untilSessionEnds(ID, follow)).rejects.toThrow('no answer');
    expect(asked()).toBeLessThan(11);
  });

  it.each([
    ['stays silent', silent, 11],
    ['closes at once, each time', null, 11],
    ['knows no such session', new BackupError('SESSION_MISSING', 'none'), 1],
    ['has a bug', new ServerError('INTERNAL_ERROR', 'a bug', ''), 1],
  ])('says how the session is found again when its server %s', async (_what, end, times) => {
    const { follow, asked } = following([[0, end]]);
    const fault = (await untilSessionEnds(ID, follow).catch((thrown: unknown) => thrown)) as Error;
    const text = fault instanceof BackupError ? fault.hint : fault.message;
    expect([text.includes(`longhaul session follow ${ID}`), asked()]).toEqual([true, times]);
  });
});
