import { describe, expect, it } from 'vitest';
import type { RepositoryBrowser } from '../../../../src/api/repositories/repository-browser.js';
import { AllSessions } from '../../../../src/api/sessions/all-sessions.js';
import type { SessionStore } from '../../../../src/api/sessions/session-store.js';
import { BackupError } from '../../../../src/domain/errors.js';

const OLD = { id: 'nightly-20260801T220000Z' };

/** Temporal knows no session; each target holds what is said, or cannot be asked.
 *  @param tookMs each question to a target */
function sessions(targets: Readonly<Record<string, object[] | 'away'>>, tookMs = 0) {
  let nowMs = 0;
  const asked: string[] = [];
  const live = {
    list: async () => ({ items: [], nextCursor: null }),
    shown: async () => new Set(),
    get: async () => {
      throw new BackupError('SESSION_MISSING', 'no session');
    },
  };
  const browser = {
    async sessionRecords(target: string) {
      asked.push(target);
      nowMs += tookMs;
      const items = targets[target];
      if (items === 'away' || items === undefined)
        throw new BackupError('REPOSITORY_UNREACHABLE', `${target} does not answer`);
      return { items };
    },
    async sessionRecord(target: string) {
      asked.push(target);
      const items = targets[target];
      if (items === 'away' || items === undefined)
        throw new BackupError('REPOSITORY_UNREACHABLE', `${target} does not answer`);
      return items[0] === undefined ? null : { ...items[0], tasks: [] };
    },
  };
  const all = new AllSessions({
    live: live as unknown as SessionStore,
    browser: browser as unknown as RepositoryBrowser,
    targets: Object.keys(targets),
    now: () => nowMs,
  });
  return { all, asked };
}

describe('the first page of sessions of which Temporal knows none', () => {
  it('is that of the first target that has any, not an empty one', async () => {
    const { all, asked } = sessions({ offsite: [], vault: [OLD], third: [OLD] });
    expect(await all.list({ jobId: 'nightly' })).toEqual({
      items: [OLD],
      nextCursor: 'stored/2/',
    });
    expect(asked).toEqual(['offsite', 'vault']);
  });

  it('is empty without another one only when every target was asked, and names those that did not answer', async () => {
    const { all } = sessions({ offsite: 'away', vault: [] });
    const page = await all.list({});
    expect(page.nextCursor).toBeUndefined();
    expect(page.items).toEqual([]);
    expect(page.unreadable).toMatchObject([{ path: 'offsite', code: 'REPOSITORY_UNREACHABLE' }]);
  });

  it('comes after some seconds with the place to go on from, when targets take long', async () => {
    const { all } = sessions({ offsite: 'away', vault: 'away', third: [OLD] }, 4_000);
    const page = await all.list({});
    expect(page).toMatchObject({ items: [], nextCursor: 'stored/2/' });
    expect(page.unreadable).toHaveLength(2);
    expect((await all.list({ cursor: 'stored/2/' })).items).toEqual([OLD]);
  });
});

describe('a session of which the records alone tell', () => {
  it('is found behind a target that does not answer', async () => {
    const { all, asked } = sessions({ offsite: 'away', vault: [], third: [OLD] });
    expect(await all.get(OLD.id)).toMatchObject({ id: OLD.id, live: true });
    expect(asked).toEqual(['offsite', 'vault', 'third']);
  });

  it('is not called missing while a target that may have it does not answer', async () => {
    const away = sessions({ offsite: 'away', vault: [] });
    await expect(away.all.get(OLD.id)).rejects.toMatchObject({ code: 'REPOSITORY_UNREACHABLE' });
    const { all } = sessions({ offsite: [], vault: [] });
    await expect(all.get(OLD.id)).rejects.toMatchObject({ code: 'SESSION_MISSING' });
  });
});
