import { afterEach, expect, it, vi } from 'vitest';
import { reportStateDirectory } from '../../../src/bin/state-directory.js';
import { BackupError } from '../../../src/domain/errors.js';

afterEach(() => vi.useRealTimers());

it('says once that the state directory is lost, with its code and no stack, and once that it is back', async () => {
  vi.useFakeTimers();
  const lines: unknown[] = [];
  const write = (level: string) => (fields: object, message: string) =>
    void lines.push([level, fields, message]);
  const logger = { info: write('info'), warn: write('warn'), error: write('error') };
  const lost = new BackupError('STATE_DIRECTORY_LOST', 'gone', { hint: 'mount it' });
  const looks = [null, lost, lost, null, null];
  const lock = { fault: async () => looks.shift() ?? null, release: async () => undefined };

  const end = reportStateDirectory(lock, logger, 1_000);
  await vi.advanceTimersByTimeAsync(5_000);
  end();

  expect(lines).toEqual([
    ['error', { code: 'STATE_DIRECTORY_LOST', hint: 'mount it' }, 'gone'],
    ['info', {}, 'the state directory is back'],
  ]);
  expect(vi.getTimerCount()).toBe(0);
});
