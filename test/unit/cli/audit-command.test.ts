import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCommandBench, type CommandBench } from './command-bench.js';

let bench: CommandBench;
beforeEach(async () => {
  bench = await openCommandBench();
});
afterEach(() => bench.close());

const LINE = {
  id: 'a',
  at: '2026-11-26T22:00:00.000Z',
  ...{ who: 'anna', role: 'administrator', subject: null, operation: 'revokeToken' },
  ...{ path: '/tokens/x1', outcome: 'done', before: { name: 'bert' }, after: null, jobId: null },
};

describe('audit', () => {
  it('shows the newest lines and says that there are older ones, and where', async () => {
    bench.answer({
      'GET /audit?jobId=nightly': { body: { items: [LINE], nextCursor: 'x y' } },
    });
    const { out, code } = await bench.run(['audit', '--job', 'nightly']);
    expect(out).toMatch(
      /2026-11-26 22:00:00Z +anna +administrator +revokeToken +\/tokens\/x1 +done/,
    );
    expect(out).toContain('longhaul audit --all');
    expect(code).toBe(0);
  });

  it('reads all pages with --all, and names targets that could not be read', async () => {
    const bad = { path: 'second', code: 'REPOSITORY_UNREACHABLE', reason: 'it does not answer' };
    bench.answer({
      'GET /audit': { body: { items: [LINE], nextCursor: 'x' } },
      'GET /audit?cursor=x': { body: { items: [{ ...LINE, who: 'carl' }], unreadable: [bad] } },
    });
    const { out, err } = await bench.run(['audit', '--all']);
    expect(out).toMatch(/anna[^]*carl/);
    expect(out).not.toContain('older');
    expect(err).toContain('it does not answer');
  });
});
