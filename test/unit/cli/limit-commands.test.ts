import { afterEach, beforeEach, expect, it } from 'vitest';
import { openCommandBench, type CommandBench } from './command-bench.js';

let bench: CommandBench;
beforeEach(async () => {
  bench = await openCommandBench();
});
afterEach(() => bench.close());

const MIB = 1024 * 1024;
const span = {
  days: ['saturday'],
  from: '00:00',
  to: '00:00',
  readBytesPerSecond: null,
  writeBytesPerSecond: null,
};
const offsite = {
  repositoryId: 'offsite',
  readBytesPerSecond: 3 * MIB,
  writeBytesPerSecond: null,
  hours: [span],
};
const service = { readBytesPerSecond: null, writeBytesPerSecond: null, hours: [] };
const stored = { timeZone: 'Europe/Berlin', service, repositories: [offsite] };
const { hours: _hours, ...now } = offsite;
const view = { ...stored, revision: 4, now: { service: { ...service }, repositories: [now] } };

async function sent(...words: string[]): Promise<unknown> {
  bench.answer({
    ...{ 'GET /limits': { body: view }, 'PUT /limits': { body: view } },
    'GET /repositories': { body: { items: [{ id: 'offsite' }, { id: 'vault' }] } },
  });
  await bench.run(['limit', ...words]);
  return bench.seen.at(-1)?.body;
}

it.each([
  [
    'of one repository, and leaves what is not named',
    ['set', 'offsite', '--write', '20MiB'],
    { repositories: [{ ...offsite, writeBytesPerSecond: 20 * MIB }] },
  ],
  [
    'of one that has none yet',
    ['set', 'vault', '--read', '500KiB'],
    {
      repositories: [
        offsite,
        { repositoryId: 'vault', ...service, readBytesPerSecond: 500 * 1024 },
      ],
    },
  ],
  [
    'with the time zone of all hours',
    ['set', 'vault', '--read', '500KiB', '--time-zone', 'Asia/Tokyo'],
    {
      timeZone: 'Asia/Tokyo',
      repositories: [
        offsite,
        { repositoryId: 'vault', ...service, readBytesPerSecond: 500 * 1024 },
      ],
    },
  ],
  [
    'of all together in some hours',
    ['set', '--read', 'none', '--write', '1GiB', '--hours', 'mon-tue 08:00-18:00'],
    {
      service: {
        ...service,
        hours: [
          {
            days: ['monday', 'tuesday'],
            from: '08:00',
            to: '18:00',
            readBytesPerSecond: null,
            writeBytesPerSecond: 1024 * MIB,
          },
        ],
      },
    },
  ],
  [
    'of some hours again, in the place of the one before',
    ['set', 'offsite', '--write', '50MiB', '--hours', 'sat all'],
    { repositories: [{ ...offsite, hours: [{ ...span, writeBytesPerSecond: 50 * MIB }] }] },
  ],
  ['to nothing, so that it is named no more', ['clear', 'offsite'], { repositories: [] }],
])('sets a limit %s', async (_, words, change) => {
  expect(await sent(...words)).toEqual({ ...stored, ...change });
  expect(bench.seen.at(-1)?.headers['if-match']).toBe('4');
});

it.each([
  ['vault', 0, '', 'PUT /limits'],
  ['vaut', 3, 'no repository vaut is configured, and no limit has that name', 'GET /repositories'],
])('clears a limit of %s, which has none, only if there is such a repository', async (...row) => {
  const [id, code, message, last] = row;
  const repositories = { body: { items: [{ id: 'offsite' }, { id: 'vault' }] } };
  bench.answer({
    ...{ 'GET /limits': { body: view }, 'PUT /limits': { body: view } },
    'GET /repositories': repositories,
  });
  const run = await bench.run(['limit', 'clear', id]);
  const seen = bench.seen.at(-1);
  expect([run.code, run.err.includes(message), `${seen?.method} ${seen?.path}`]).toEqual([
    ...[code, true, last],
  ]);
});

it.each([[['nope']], [['20MiB', '--read', '1MiB']]])(
  'says of %j that there is no such repository before it asks for more',
  async (words) => {
    bench.answer({
      'GET /limits': { body: view },
      'GET /repositories': { body: { items: [{ id: 'offsite' }] } },
    });
    const { code, err } = await bench.run(['limit', 'set', ...words]);
    expect([code, err.includes(`no repository ${words[0] ?? ''} is configured`)]).toEqual([
      3,
      true,
    ]);
    expect(bench.seen.map(({ method }) => method)).toEqual(['GET', 'GET']);
  },
);

it('shows what holds, when, and now', async () => {
  bench.answer({ 'GET /limits': { body: view } });
  const { out } = await bench.run(['limit', 'show']);
  const lines = out.split('\n').map((line) => line.split(/ {2,}/));
  expect(lines[2]).toEqual([
    'offsite',
    '3.0 MiB/s',
    'no limit',
    'saturday all: read no limit, write no limit',
    'read 3.0 MiB/s, write no limit',
  ]);
  expect(out).toContain('Hours are of Europe/Berlin');
});

it.each([
  [['set', 'offsite'], '--read, --write or both are needed'],
  [['set', 'offsite', '--read', 'fast'], 'the rate "fast" is not understood'],
  [
    ['set', 'offsite', '--read', '1MiB', '--hours', 'nights'],
    'the hours "nights" is not understood',
  ],
])('refuses %j before it changes anything', async (words, message) => {
  bench.answer({ 'GET /limits': { body: view } });
  const { code, err } = await bench.run(['limit', ...words]);
  expect([code, err.includes(message), bench.seen.length]).toEqual([2, true, 1]);
});
