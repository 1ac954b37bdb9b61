import { describe, expect, it } from 'vitest';
import { joinAuditPages, type AuditEntry } from '../../../../src/domain/access/audit.js';

function line(id: string, minute: number): AuditEntry {
  return {
    id,
    at: `2026-11-26T22:0${minute}:00.000Z`,
    ...{ who: 'anna', role: 'administrator', subject: null, operation: 'setLimits' },
    ...{ path: '/limits', outcome: 'done', before: null, after: null, jobId: null },
  };
}

describe('audit lines of several targets', () => {
  it('are one list, in which a line of both is one', () => {
    const pages = [
      { lines: [line('c', 3), line('a', 1)], hasMore: false },
      { lines: [line('c', 3), line('b', 2)], hasMore: false },
    ];
    const { lines, hasMore } = joinAuditPages(pages);
    expect(lines.map(({ id }) => id)).toEqual(['c', 'b', 'a']);
    expect(hasMore).toBe(false);
  });

  it('end where the first of them was cut, because it may have more between', () => {
    const pages = [
      { lines: [line('e', 5), line('d', 4)], hasMore: true },
      { lines: [line('f', 6), line('b', 2)], hasMore: true },
      { lines: [line('c', 3)], hasMore: false },
    ];
    const { lines, hasMore } = joinAuditPages(pages);
    expect(lines.map(({ id }) => id)).toEqual(['f', 'e', 'd']);
    expect(hasMore).toBe(true);
  });

  it('of the same instant are told apart by their ids', () => {
    const { lines } = joinAuditPages([{ lines: [line('a', 1), line('b', 1)], hasMore: false }]);
    expect(lines.map(({ id }) => id)).toEqual(['b', 'a']);
  });
});
