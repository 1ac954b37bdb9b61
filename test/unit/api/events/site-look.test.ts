import { expect, it } from 'vitest';
import { SiteLook } from '../../../../src/api/events/site-look.js';
import type { KnownSafety } from '../../../../src/api/safety/safety-reader.js';
import type { SessionSummary } from '../../../../src/api/sessions/session-schemas.js';

const NOW_MS = Date.parse('2026-11-27T12:00:00Z');
const MINUTE_MS = 60_000;

function session(id: string, endedMinutesAgo: number | null): SessionSummary {
  const endedAt =
    endedMinutesAgo === null ? null : new Date(NOW_MS - endedMinutesAgo * MINUTE_MS).toISOString();
  return { id, endedAt } as SessionSummary;
}

/** @param pages of the list of sessions */
function lookAt(
  pages: readonly (readonly SessionSummary[])[],
  listed: readonly object[] = [],
  unreadList = 'sessions',
) {
  let asked = 0;
  const unreadLists = [{ path: 'sessions' }, { path: unreadList }];
  const fileBackups = [
    { id: 'shares', lastRun: null },
    { id: 'mail', lastRun: { result: 'failed', reason: null, startedAtMs: 0 } },
  ];
  const facts = { listed, unreadLists, fileBackups };
  const known = { facts, safety: { problems: [] } } as unknown as KnownSafety;
  const site = new SiteLook({
    reader: { safety: () => Promise.resolve(known) },
    sessions: {
      list: ({ cursor = '0' }) => {
        asked++;
        const page = Number(cursor);
        const nextCursor = page + 1 < pages.length ? String(page + 1) : null;
        return Promise.resolve({ items: [...pages[page]!], nextCursor });
      },
    },
    now: () => NOW_MS,
  });
  return { site, asked: () => asked };
}

it('reads the running sessions and those that ended since the last look, and no page of older ones', async () => {
  const { site, asked } = lookAt([
    [session('a', null), session('b', null)],
    [session('c', null), session('d', 3), session('e', 40), session('f', 70)],
    [session('g', 80)],
  ]);
  const ids = async (sinceMs: number | null) =>
    (await site.look(sinceMs)).sessions.map(({ id }) => id);
  expect(await ids(null)).toEqual(['a', 'b', 'c', 'd']);
  expect(await ids(NOW_MS - 60 * MINUTE_MS)).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(asked()).toBe(4);
  expect((await site.look(null)).isEverySession).toBe(true);
});

it('says when there are more of them than ten pages', async () => {
  const pages = Array.from({ length: 11 }, (_, page) => [session(`s-${page}`, null)]);
  const { site, asked } = lookAt(pages);
  expect((await site.look(null)).isEverySession).toBe(false);
  expect(asked()).toBe(10);
  expect((await lookAt(pages.slice(1)).site.look(null)).isEverySession).toBe(true);
});

it('tells a job that was not read from one that is not there, and a list that it has seen from a new one', async () => {
  const listed = [
    { id: 'nightly', name: 'Nightly', revision: 2, state: 'disabled', mode: 'periodic' },
    { id: 'weekly', state: 'unknown', paused: true },
  ];
  const { site } = lookAt([[]], listed);
  const { jobs } = await site.look(null);
  expect(jobs).toEqual({
    items: [{ id: 'nightly', name: 'Nightly', revision: 2, state: 'disabled' }],
    unreadIds: ['weekly'],
    isWhole: true,
  });
  expect((await site.look(null)).jobs).toBe(jobs);
  const old = lookAt([[]], listed, 'jobs');
  expect((await old.site.look(null)).jobs.isWhole).toBe(false);
});

it('tells the file-backup jobs of which no run is remembered', async () => {
  expect((await lookAt([[]]).site.look(null)).unjudgedRuns).toEqual(['shares']);
});
