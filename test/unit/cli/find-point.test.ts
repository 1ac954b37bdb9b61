import { afterAll, beforeAll, expect, it } from 'vitest';
import { openCommandBench, type CommandBench } from './command-bench.js';

const PATH = 'GET /repositories/offsite/restore-points';
const POINT = { id: 'nightly:web01:p1', parentId: null };
const UNREADABLE = [
  { path: 'nightly/web01', code: 'REPOSITORY_IO_ERROR', reason: 'its chain.json is a bad sector' },
];

let bench: CommandBench;
beforeAll(async () => {
  bench = await openCommandBench();
});
afterAll(() => bench.close());

it.each(['show', 'remove'])(
  'of a point that cannot be found %s says what could not be read, in which it may be',
  async (verb) => {
    bench.answer({ [PATH]: { body: { items: [], unreadable: UNREADABLE } } });
    const { err, code } = await bench.run(['restore-point', verb, 'offsite', POINT.id]);
    // Not found.
    expect(code).toBe(3);
    expect(err).toContain('its chain.json is a bad sector');
    expect(err).toContain(`no restore point ${POINT.id} in offsite, as far as it can be read`);
  },
);

it('of a point that would go tells beside it what could not be read, for more may build on it', async () => {
  bench.answer({ [PATH]: { body: { items: [POINT], unreadable: UNREADABLE } } });
  const { out, err } = await bench.run(['restore-point', 'remove', 'offsite', POINT.id]);
  expect(out).toContain(POINT.id);
  expect(err).toContain('its chain.json is a bad sector');
});

it('of a point that is not there says so plainly when everything was read', async () => {
  bench.answer({ [PATH]: { body: { items: [] } } });
  const { err } = await bench.run(['restore-point', 'show', 'offsite', POINT.id]);
  expect(err).toContain(`no restore point ${POINT.id} in offsite`);
  expect(err).not.toContain('as far as');
});
