import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCommandBench, type CommandBench } from './command-bench.js';

const SILENCE = {
  ...{ id: 'a1b2c3d4', jobId: 'nightly', code: null, reason: 'disk', createdBy: 'anna' },
  ...{ createdAt: '2026-11-26T00:00:00Z', until: '2026-11-26T04:00:00Z' },
};

let bench: CommandBench;
beforeEach(async () => {
  bench = await openCommandBench();
});
afterEach(() => bench.close());

describe('notification', () => {
  it('makes, lists and ends silences', async () => {
    bench.answer({
      'POST /silences': { status: 201, body: SILENCE },
      'GET /silences': { body: { items: [SILENCE] } },
      'DELETE /silences/a1b2c3d4': { status: 204 },
    });
    const flags = ['--hours', '4', '--reason', 'disk', '--job', 'nightly'];
    const made = await bench.run(['notification', 'silence', ...flags]);
    expect(bench.seen[0]?.body).toEqual({ hours: 4, reason: 'disk', jobId: 'nightly' });
    expect(made.out).toMatch(/a1b2c3d4 +nightly +all /);
    expect((await bench.run(['notification', 'silences'])).out).toContain('a1b2c3d4');
    expect((await bench.run(['notification', 'unsilence', 'a1b2c3d4'])).code).toBe(0);
  });

  it('says below the list of channels why one takes nothing', async () => {
    const channel = {
      kind: 'mail',
      severity: 'error',
      digestAt: null,
      quietHours: null,
      job: null,
    };
    const notice = { noticeId: 'alarm-1', state: 'delivering', startedAt: SILENCE.createdAt };
    bench.answer({
      'GET /notification-channels': {
        body: {
          items: [
            { ...channel, id: 'night' },
            { ...channel, id: 'day' },
          ],
        },
      },
      'GET /notices': {
        body: {
          items: [
            { ...notice, channelId: 'night', reason: 'channel night: ESOCKET' },
            { ...notice, channelId: 'day', reason: null },
          ],
        },
      },
    });
    const { out } = await bench.run(['notification', 'list']);
    expect(out).toMatch(/^night .* delivering +2026-11-26 00:00:00Z$/m);
    expect(out.split('\n')).toContain('night: channel night: ESOCKET');
    expect(out).not.toContain('day:');
  });

  it('rehearses a channel', async () => {
    bench.answer({ 'POST /notification-channels/night/rehearse': { status: 202, body: {} } });
    expect((await bench.run(['notification', 'rehearse', 'night'])).code).toBe(0);
  });
});
