import { describe, expect, it } from 'vitest';
import { AuditReader } from '../../../../src/api/access/audit-reader.js';
import type { AuditEntry } from '../../../../src/domain/access/audit.js';
import { BackupError } from '../../../../src/domain/errors.js';

const LINE: AuditEntry = {
  id: 'a',
  at: '2026-11-26T22:00:00.000Z',
  ...{ who: 'anna', role: 'administrator', subject: null, operation: 'createToken' },
  ...{ path: '/tokens', outcome: 'done', before: null, after: null, jobId: null },
};
const ALL = { jobId: null, fromMs: null, toMs: null };

describe('the list of audit lines', () => {
  it('names a target that does not answer, and shows what the others have', async () => {
    const browser = {
      audit: (id: string) =>
        id === 'away'
          ? Promise.reject(new BackupError('REPOSITORY_UNREACHABLE', 'away does not answer'))
          : Promise.resolve({ items: [LINE] }),
    };
    expect(await new AuditReader(browser, ['away', 'offsite']).list(ALL, undefined)).toEqual({
      items: [LINE],
      unreadable: [
        { path: 'away', code: 'REPOSITORY_UNREACHABLE', reason: 'away does not answer' },
      ],
    });
  });

  it('names a part of a target that could not be read, by the target and its path there', async () => {
    const part = {
      path: 'private/.audit',
      code: 'REPOSITORY_ACCESS_DENIED',
      reason: 'not allowed',
    };
    const unreadable = [{ ...part, code: 'REPOSITORY_ACCESS_DENIED' as const }];
    const browser = { audit: () => Promise.resolve({ items: [LINE], unreadable }) };
    expect(await new AuditReader(browser, ['offsite']).list(ALL, undefined)).toEqual({
      items: [LINE],
      unreadable: [{ ...part, path: 'offsite/private/.audit' }],
    });
  });

  it('goes on behind its last line, in every target', async () => {
    const asked: (string | undefined)[] = [];
    const browser = {
      audit(_id: string, _filter: unknown, cursor?: string) {
        asked.push(cursor);
        return Promise.resolve({ items: [LINE], nextCursor: 'its own' });
      },
    };
    const reader = new AuditReader(browser, ['offsite', 'second']);
    const { nextCursor } = await reader.list(ALL, undefined);
    expect(nextCursor).toBe('2026-11-26T22:00:00.000Z a');
    await reader.list(ALL, nextCursor);
    expect(asked).toEqual([undefined, undefined, nextCursor, nextCursor]);
  });
});
