import { describe, expect, it } from 'vitest';
import type { OperationView } from '../../../src/api/repositories/repository-schemas.js';
import type { SessionView } from '../../../src/api/sessions/session-schemas.js';
import { newestSessions } from '../../../src/dashboard/pages/jobs/newest-sessions.js';
import { endedOperations } from '../../../src/dashboard/pages/health/ended-operations.js';
import {
  openOperations,
  operationAddress,
  operationTitle,
  whyOperation,
} from '../../../src/dashboard/pages/health/operation-words.js';
import {
  sessionFilter,
  sessionListCommand,
  SESSION_CHOICES,
} from '../../../src/dashboard/pages/sessions/session-filter.js';
import { NO_PROGRESS, NO_TASKS } from '../../../src/domain/sessions/copy-session.js';
import { runningWords } from '../../../src/dashboard/show/running-words.js';
import { withoutHint } from '../../../src/dashboard/show/sentence.js';
import { staleVerdict } from '../../../src/dashboard/show/session-verdict.js';

describe('the newest sessions of a job', () => {
  it('are those of the first page that has any, with what could not be read on the way', async () => {
    const part = { path: 'offsite', code: 'REPOSITORY_UNREACHABLE', reason: 'no answer' };
    const read = async (cursor: string | undefined) =>
      cursor === undefined
        ? { items: [], nextCursor: 'stored/0/', unreadable: [part] }
        : { items: [{ id: `behind ${cursor}` }], nextCursor: 'more' };
    expect(await newestSessions(read as never)).toEqual({
      items: [{ id: 'behind stored/0/' }],
      unreadable: [part],
    });
  });
});

describe('sessions by their result', () => {
  it('are asked of the server, which knows those of later pages', () => {
    expect(SESSION_CHOICES.map(({ value }) => value)).toEqual([
      ...['failed', 'actionRequired', 'warning', 'stopped', 'success', 'nothingToCopy'],
      ...['running', 'waiting', 'paused', 'stopping'],
    ]);
    expect(sessionFilter('failed')).toEqual({ result: 'failed' });
    expect(sessionFilter('paused')).toEqual({ state: 'paused' });
    expect(sessionFilter('')).toEqual({});
    expect(sessionListCommand('nightly', 'failed')).toBe(
      'longhaul session list --job nightly --result failed --all',
    );
    expect(sessionListCommand('', '')).toBe('longhaul session list --all');
  });
});

it('tells neither speed nor end of a session that cannot be read any more', () => {
  const session = {
    ...{ state: 'running', result: null, startedAt: '2026-11-26T10:00:00Z' },
    taskCounts: { waiting: 0 },
    progress: { percent: 40, processedBytes: 4, totalBytes: 10, bytesPerSecond: 9, etaSeconds: 5 },
  } as unknown as SessionView;
  const nowMs = Date.parse('2026-11-26T12:00:00Z');
  const { mood, sentence } = staleVerdict(session, nowMs, nowMs - 7_200_000);
  expect(mood).toBe('unknown');
  expect(sentence).toMatch(/^Not known now\. 2 h ago it was running, .*40/);
  expect(sentence).not.toMatch(/\/s|done in/);
});

describe('operations', () => {
  function operation(id: string, result: string | null, changes: object = {}): OperationView {
    const [kind = '', repositoryId = ''] = id.split('.');
    const state = result === null ? 'running' : 'ended';
    return { ...{ id, kind, repositoryId, state, result }, ...changes } as unknown as OperationView;
  }
  const sunday = operation('verify.offsite.nightly-2026-11-22T05:00:00Z', 'failed', {
    reason: 'no answer',
    notes: [],
  });

  it('need somebody when the last of their kind did not go well', () => {
    const october = operation('verify.offsite.nightly-2026-10-25T05:00:00Z', 'success');
    expect(openOperations([sunday, october])).toEqual([sunday]);
    const mended = operation('verify.offsite.nightly-2026-11-29T05:00:00Z', 'success');
    expect(openOperations([mended, sunday])).toEqual([]);
    const again = operation('verify.offsite.nightly-2026-11-29T05:00:00Z', null);
    expect(openOperations([again, sunday])).toEqual([sunday]);
    const byHand = operation('verify.offsite.all', 'warning');
    expect(openOperations([byHand, sunday, october])).toEqual([byHand, sunday]);
  });

  it('of a restore is done when the same point was restored later', () => {
    const restore = (at: string, result: OperationView['result']) =>
      operation(`restore.offsite.nightly:web01:20261124T220000Z-${at}`, result);
    const failed = restore('20261126T080000123Z', 'failed');
    const other = operation(
      'restore.offsite.nightly:web01:20261125T220000Z-20261126T090000000Z',
      'failed',
    );
    expect(openOperations([restore('20261126T081500000Z', 'success'), other, failed])).toEqual([
      other,
    ]);
    expect(openOperations([restore('20261126T081500000Z', 'stopped'), failed])).toEqual([]);
    const stopped = operation('verify.offsite.all', 'stopped');
    expect(openOperations([stopped])).toEqual([stopped]);
  });

  it('have an address of their own, also when several have one id', () => {
    const october = { ...operation('verify.offsite.all', 'failed'), runId: 'october' };
    expect(operationAddress(october)).toBe('/operations?id=verify.offsite.all&run=october');
  });

  it('are looked at behind the first page, and where that ends is said', async () => {
    const read = (pages: number) => async (cursor: string | undefined) => {
      const page = Number(cursor ?? 1);
      const nextCursor = page < pages ? { nextCursor: String(page + 1) } : {};
      return { items: [{ ...sunday, id: `page ${page}` }], ...nextCursor };
    };
    const three = await endedOperations(read(3));
    expect([three.items.map(({ id }) => id), three.isCut]).toEqual([
      ...[['page 1', 'page 2', 'page 3'], false],
    ]);
    expect((await endedOperations(read(10))).isCut).toBe(false);
    const many = await endedOperations(read(11));
    expect([many.items.length, many.isCut]).toEqual([10, true]);
  });

  it('say what started them, and why they failed', () => {
    expect(operationTitle(sunday)).toBe('Verification in offsite by the schedule of nightly');
    expect(operationTitle(operation('verify.offsite.all', 'success'))).toBe(
      'Verification in offsite',
    );
    expect(whyOperation(sunday)).toBe('no answer');
  });
});

describe('a session among those that run', () => {
  const progress = { ...NO_PROGRESS, percent: 41.7, totalBytes: 1_024, etaSeconds: 60 };
  const running = { state: 'running', progress, taskCounts: NO_TASKS } as const;

  it('says how far it is, and how long it takes', () => {
    expect(runningWords(running)).toBe('41 % of 1.0 KiB, about 1 min left');
    const counts = { ...NO_TASKS, waiting: 2 };
    expect(runningWords({ ...running, taskCounts: counts })).toBe(
      '41 % of 1.0 KiB known so far, about 1 min left',
    );
  });

  it.each([
    ['waiting', 'goes on in the allowed hours of its job'],
    ['paused', 'copies nothing until it is resumed'],
    ['stopping', 'ends at its next durable position'],
  ] as const)('says what it is %s for', (state, words) => {
    expect(runningWords({ ...running, state })).toBe(`41 % of 1.0 KiB; ${words}`);
    expect(runningWords({ ...running, state, progress: NO_PROGRESS })).toBe(words);
  });

  it('claims nothing of a copy whose first workload has not ended', () => {
    expect(runningWords({ ...running, progress: NO_PROGRESS })).toBe(
      'how far it is stands on its page',
    );
  });
});

describe('a reason beside its next step', () => {
  const hint = 'Free space (`longhaul job edit`), then start it again';

  it('does not say the next step a second time', () => {
    expect(withoutHint(`no space is left. ${hint}.`, hint)).toBe('no space is left.');
    expect(withoutHint(`${hint}.`, `${hint}.`)).toBe('');
  });

  it('stays whole where it ends with something else', () => {
    expect(withoutHint('no space is left', hint)).toBe('no space is left');
    expect(withoutHint('no space is left', '')).toBe('no space is left');
  });
});
