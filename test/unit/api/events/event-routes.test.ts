import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import express from 'express';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { guardedRoutes } from '../../../../src/api/access/guarded-routes.js';
import { EventFeed } from '../../../../src/api/events/event-feed.js';
import { eventRoutes } from '../../../../src/api/events/event-routes.js';
import { problemHandler } from '../../../../src/api/problem.js';
import { setCaller } from '../../../../src/api/request-state.js';
import { mountRoutes } from '../../../../src/api/route.js';
import type { TokenScope } from '../../../../src/domain/access/access.js';
import { BackupError } from '../../../../src/domain/errors.js';
import type { SafetyProblem } from '../../../../src/domain/safety/problem-groups.js';
import type { JobSight, SiteSight } from '../../../../src/domain/events/site-events.js';

const NOW_MS = Date.parse('2026-11-27T12:00:00Z');
const NO_TRAIL = {
  placesOf: () => Promise.resolve([]),
  placesOfMade: () => [],
  keep: () => Promise.resolve(),
};

function job(id: string, revision = 1, name = id): JobSight {
  return { id, name, revision, state: 'enabled' };
}

/** A site whose looks are taken one by one, and its service. */
class Site {
  jobs: JobSight[] = [job('nightly'), job('weekly')];
  problems: SafetyProblem[] = [];
  looks = 0;
  fault: Error | null = null;
  scope: TokenScope | null = null;
  expiresAt: string | null = null;
  readonly warnings: string[] = [];
  #goOn: () => void = () => undefined;
  #left: () => void = () => undefined;
  #server: Server | null = null;

  async open(maxListeners = 10): Promise<string> {
    const logger = {
      info: () => undefined,
      warn: (_: object, text: string) => void this.warnings.push(text),
      error: () => undefined,
    };
    const now = () => NOW_MS;
    const feed = new EventFeed({
      ...{ now, logger, maxListeners, look: () => this.#look() },
      pause: () => new Promise<void>((resolve) => (this.#goOn = resolve)),
    });
    const app = express();
    app.use((_request, response, next) => {
      response.on('close', () => this.#left());
      const { scope, expiresAt } = this;
      setCaller(response, { name: 'anna', role: 'viewer', scope, subject: null, expiresAt });
      next();
    });
    const router = express.Router();
    mountRoutes(
      router,
      guardedRoutes(eventRoutes({ feed, now, logger }), { trail: NO_TRAIL, now }),
    );
    app.use(router, problemHandler(logger));
    this.#server = createServer(app).listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/events`;
  }

  /** The next look. */
  async step(...jobs: JobSight[]): Promise<void> {
    if (jobs.length > 0) this.jobs = jobs;
    this.#goOn();
    await settled();
  }

  nextLeft(): Promise<void> {
    return new Promise((resolve) => (this.#left = resolve));
  }

  close(): void {
    this.#server?.closeAllConnections();
    this.#server?.close();
  }

  async #look(): Promise<SiteSight> {
    this.looks++;
    if (this.fault !== null) throw this.fault;
    const jobs = { items: this.jobs, unreadIds: [], isWhole: true };
    return { atMs: NOW_MS, jobs, sessions: [], isEverySession: true, problems: this.problems };
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
}

interface Received {
  readonly id: string;
  readonly event: string;
  readonly data: {
    at: string;
    type: string;
    reason?: string;
    job?: JobSight;
    code?: string;
    problem?: object;
  };
}

/** Somebody who listens. */
class Listener {
  readonly response: Response;
  readonly #gone: AbortController;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #text = '';

  private constructor(response: Response, gone: AbortController) {
    this.response = response;
    this.#gone = gone;
    this.#reader = response.body!.getReader();
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<Listener> {
    const gone = new AbortController();
    return new Listener(await fetch(url, { headers, signal: gone.signal }), gone);
  }

  /** What is sent next, whatever it is; null: the connection has ended. */
  async block(): Promise<string | null> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return block;
      }
      const { done, value } = await this.#reader.read();
      if (done) return null;
      this.#text += Buffer.from(value).toString('utf8');
    }
  }

  /** The next event; null: the connection has ended. */
  async next(): Promise<Received | null> {
    for (;;) {
      const block = await this.block();
      if (block === null) return null;
      const found = /^id: (\S+)\nevent: (\w+)\ndata: (.*)$/.exec(block);
      if (found === null) continue;
      const [, id = '', event = '', data = ''] = found;
      return { id, event, data: JSON.parse(data) as Received['data'] };
    }
  }

  async words(count: number): Promise<string[]> {
    const words: string[] = [];
    while (words.length < count) {
      const received = await this.next();
      words.push(received === null ? 'end' : wordOf(received));
    }
    return words;
  }

  /** Until the server knows of it. */
  async leave(): Promise<void> {
    const left = site.nextLeft();
    this.#gone.abort();
    await left;
    await settled();
  }
}

function wordOf({ event, data }: Received): string {
  return `${event} ${data.reason ?? data.job?.id ?? data.code ?? ''}`.trim();
}

let site = new Site();
afterEach(() => {
  site.close();
  site = new Site();
});

describe('the events of the site', () => {
  it('begin with the order to look at everything, and follow with an id, a name and the data', async () => {
    const anna = await Listener.open(await site.open());
    expect(Object.fromEntries(anna.response.headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    const begun = (await anna.next())!;
    expect(begun.data).toEqual({ type: 'reset', at: '2026-11-27T12:00:00.000Z', reason: 'begun' });
    await site.step(job('nightly', 2), job('weekly'));
    const changed = (await anna.next())!;
    expect(changed).toEqual({
      id: begun.id.replace(/-0$/, '-1'),
      event: 'jobChanged',
      data: { type: 'jobChanged', at: '2026-11-27T12:00:00.000Z', job: job('nightly', 2) },
    });
  });

  it('come of one look for all who listen', async () => {
    const url = await site.open();
    const both = await Promise.all([Listener.open(url), Listener.open(url)]);
    expect(site.looks).toBe(1);
    await site.step(job('nightly', 2), job('weekly'));
    for (const each of both)
      expect(await each.words(2)).toEqual(['reset begun', 'jobChanged nightly']);
    expect(site.looks).toBe(2);
  });

  it.each(['header', 'query'])(
    'are taken up again after the id in the %s, without loss',
    async (where) => {
      const url = await site.open();
      const anna = await Listener.open(url);
      await anna.next();
      await site.step(job('nightly', 2), job('weekly'));
      const { id } = (await anna.next())!;
      await anna.leave();
      await site.step(job('nightly', 3), job('weekly'));
      await site.step(job('nightly', 3), job('weekly', 2));
      const again =
        where === 'header'
          ? await Listener.open(`${url}?since=old`, { 'Last-Event-ID': id })
          : await Listener.open(`${url}?since=${id}`);
      expect(await again.words(2)).toEqual(['jobChanged nightly', 'jobChanged weekly']);
      await site.step(job('nightly', 4), job('weekly', 2));
      const last = await Listener.open(`${url}?since=${id.replace(/-1$/, '-4')}`);
      await site.step(job('nightly', 5), job('weekly', 2));
      expect(await again.words(2)).toEqual(['jobChanged nightly', 'jobChanged nightly']);
      expect(await last.words(1)).toEqual(['jobChanged nightly']);
    },
  );

  it('begin anew for an id of another run, of none, and of a time that is not remembered any more', async () => {
    const url = await site.open();
    const anna = await Listener.open(url);
    const { id } = (await anna.next())!;
    for (const since of ['0123456789ab-1', 'x', id.replace(/-0$/, '-1')])
      expect(await (await Listener.open(`${url}?since=${since}`)).words(1)).toEqual([
        'reset unknownId',
      ]);
    const many = (revision: number) =>
      Array.from({ length: 501 }, (_, index) => job(`job-${index}`, revision));
    await site.step(job('nightly'), job('weekly'), ...many(1));
    await site.step(job('nightly'), job('weekly'), ...many(2));
    expect(await (await Listener.open(`${url}?since=${id}`)).words(1)).toEqual(['reset forgotten']);
    const later = await Listener.open(`${url}?since=${id.replace(/-0$/, '-1001')}`);
    expect(await later.words(1)).toEqual(['jobChanged job-500']);
  });

  it('are looked for as long as somebody listens and a minute longer', async () => {
    const url = await site.open();
    const anna = await Listener.open(url);
    const { id } = (await anna.next())!;
    for (let look = 0; look < 20; look++) await site.step();
    expect(site.looks).toBe(21);
    await anna.leave();
    for (let look = 0; look < 20; look++) await site.step();
    expect(site.looks).toBe(33);
    const again = await Listener.open(`${url}?since=${id}`);
    expect(await again.words(1)).toEqual(['reset unknownId']);
  });

  it('are not looked for any more when a look fails and nobody listens', async () => {
    const url = await site.open();
    const anna = await Listener.open(url);
    await anna.next();
    await anna.leave();
    site.fault = new BackupError('TEMPORAL_UNREACHABLE', 'no answer');
    await site.step();
    await site.step();
    expect([site.looks, site.warnings]).toEqual([2, []]);
  });

  it('are remembered up to half a megabyte', async () => {
    const url = await site.open();
    const { id } = (await (await Listener.open(url)).next())!;
    const name = 'x'.repeat(200 * 1024);
    for (const revision of [2, 3]) await site.step(job('nightly', revision, name), job('weekly'));
    expect(await (await Listener.open(`${url}?since=${id}`)).words(2)).toEqual([
      'jobChanged nightly',
      'jobChanged nightly',
    ]);
    await site.step(job('nightly', 4, name), job('weekly'));
    expect(await (await Listener.open(`${url}?since=${id}`)).words(1)).toEqual(['reset forgotten']);
    const later = await Listener.open(`${url}?since=${id.replace(/-0$/, '-1')}`);
    expect(await later.words(2)).toEqual(['jobChanged nightly', 'jobChanged nightly']);
  });

  it('tell of a problem as the overview does', async () => {
    const anna = await Listener.open(await site.open());
    await anna.next();
    const words = { text: 'db07 is 9 h late', nextStep: 'Start the job.', errorCode: null };
    const of = { jobId: 'nightly', repositoryId: 'offsite', sessionId: null };
    const shown = { key: 'late', code: 'COPY_LATE', severity: 'error', ...words, ...of } as const;
    const db07 = { repositoryId: 'primary', id: 'db07', name: 'db07' };
    const jobIds = ['nightly'];
    site.problems = [
      { ...shown, jobIds, onlyOf: jobIds, sinceMs: NOW_MS - 3_600_000, workloads: [db07] },
    ];
    await site.step();
    const { event, data } = (await anna.next())!;
    expect([event, data.problem]).toEqual([
      'problemBegan',
      {
        ...shown,
        since: '2026-11-27T11:00:00.000Z',
        workloads: [{ key: expect.any(String) as string, ...db07 }],
        workloadCount: 1,
      },
    ]);
  });

  it('show a sign of life with their last id, and are closed after a quarter of an hour', async () => {
    const { port, hostname } = new URL(await site.open());
    // The timers of the service alone: `fetch` has some of its own.
    vi.useFakeTimers({ toFake: ['setInterval', 'setTimeout'] });
    const anna = connect(Number(port), hostname);
    let text = '';
    anna.on('data', (chunk) => (text += chunk.toString('utf8')));
    const until = async (words: string): Promise<void> => {
      while (!text.includes(words)) await once(anna, 'data');
    };
    try {
      anna.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n');
      await until('event: reset');
      const [, run = ''] = /id: (\w+)-0\n/.exec(text) ?? [];
      await site.step(job('nightly', 2), job('weekly'));
      await until('event: jobChanged');
      vi.advanceTimersByTime(15_000);
      await until(`: alive\nid: ${run}-1\n\n`);
      vi.advanceTimersByTime(884_999);
      await settled();
      // The last chunk of an answer (RFC 9112, 7.1).
      const end = '\r\n0\r\n\r\n';
      expect(text).not.toContain(end);
      vi.advanceTimersByTime(1);
      await until(end);
    } finally {
      vi.useRealTimers();
      anna.destroy();
    }
  });

  it('tell of a look that failed, once, and of the one that succeeds', async () => {
    const anna = await Listener.open(await site.open());
    site.fault = new BackupError('TEMPORAL_UNREACHABLE', 'no answer');
    await site.step();
    await site.step();
    await site.step();
    site.fault = null;
    await site.step(job('nightly', 2), job('weekly'));
    expect(await anna.words(4)).toEqual([
      'reset begun',
      'lookFailed TEMPORAL_UNREACHABLE',
      'lookSucceeded',
      'jobChanged nightly',
    ]);
  });

  it('are refused with a plain answer when nothing can be looked at, and let the next one in', async () => {
    const url = await site.open(1);
    site.fault = new BackupError('TEMPORAL_UNREACHABLE', 'no answer');
    const refused = await fetch(url);
    expect([refused.status, await refused.json()]).toMatchObject([
      503,
      { code: 'TEMPORAL_UNREACHABLE' },
    ]);
    site.fault = null;
    expect(await (await Listener.open(url)).words(1)).toEqual(['reset begun']);
    const crowded = await fetch(url);
    expect([crowded.status, await crowded.json()]).toMatchObject([503, { code: 'EVENTS_CROWDED' }]);
  });

  it('show somebody whose token is for one job that job alone', async () => {
    const url = await site.open();
    site.scope = { jobs: ['weekly'], repositories: [] };
    const anna = await Listener.open(url);
    const { id } = (await anna.next())!;
    await site.step(job('nightly', 2), job('weekly', 2));
    await site.step(job('nightly', 3), job('weekly', 3));
    const again = await Listener.open(`${url}?since=${id}`);
    for (const each of [anna, again])
      expect(await each.words(2)).toEqual(['jobChanged weekly', 'jobChanged weekly']);
  });

  it('end when the time of the token is over', async () => {
    const url = await site.open();
    site.expiresAt = '2026-11-27T11:59:59Z';
    expect(await (await Listener.open(url)).words(2)).toEqual(['reset begun', 'end']);
  });

  it('are not kept for somebody who does not take them: he is cut off, and the others go on', async () => {
    const url = await site.open();
    const anna = await Listener.open(url);
    await anna.next();
    const { port, hostname } = new URL(url);
    const slow = connect(Number(port), hostname);
    slow.pause();
    slow.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n');
    const name = 'x'.repeat(256 * 1024);
    let revision = 1;
    while (site.warnings.length === 0 && revision < 200) {
      await site.step(job('nightly', ++revision, name), job('weekly'));
      expect((await anna.next())?.data.job?.revision).toBe(revision);
    }
    expect(site.warnings).toEqual(['cut off: it takes no events']);
    await site.step(job('nightly', 1, 'Nightly'), job('weekly'));
    expect(await anna.words(1)).toEqual(['jobChanged nightly']);
    slow.destroy();
  });
});
