import { describe, expect, it } from 'vitest';
import {
  nextLedger,
  type ObservedProblem,
  type OpenAlert,
} from '../../../../src/domain/notices/alert-ledger.js';
import {
  afterRefusal,
  believedKnowledge,
  isTimely,
  knowledgeAfter,
  newsFor,
  type ChannelKnowledge,
} from '../../../../src/domain/notices/channel-news.js';
import { keysOf } from '../../../../src/domain/notices/alert-ledger.js';
import { noticeOf } from '../../../../src/domain/notices/notice.js';
import type { WatchedChannel } from '../../../../src/domain/notices/notification-channel.js';

const MINUTE_MS = 60_000;
const MAIL: WatchedChannel = {
  ...{ id: 'mail', kind: 'mail', severity: 'error', jobs: null },
  ...{ digestAt: null, quietHours: null },
};

/** `A` is an error, `a` a warning. */
function problem(key: string): ObservedProblem {
  const severity = key === key.toLowerCase() ? 'warning' : 'error';
  const words = { text: `${key} is late`, nextStep: 'Start it.' };
  return { key, code: 'COPY_LATE', severity, ...words, sinceMs: null, jobId: 'nightly' };
}

/** A watch that looks once a minute, and one channel of it. */
class Watch {
  #open: readonly OpenAlert[] = [];
  #memory: ChannelKnowledge | undefined = undefined;
  #minute = -1;

  /** @returns `+` what it is told that is wrong, `-` what is well again; `!` that it is told again. null: nothing */
  look(
    keys: string,
    {
      channel = MAIL,
      isHeld = false,
      silenced = '',
    }: { channel?: WatchedChannel | null; isHeld?: boolean; silenced?: string } = {},
  ): string | null {
    const nowMs = ++this.#minute * MINUTE_MS;
    const isSilenced = ({ key }: ObservedProblem) => silenced.includes(key);
    const problems = keys.split('').map(problem);
    const look = { nowMs, holdMs: 0, isWhole: true, isSilenced };
    const step = nextLedger(this.#open, problems, look);
    this.#open = step.open;
    if (channel === null) return null;
    const news = newsFor(channel, this.#memory, step, isSilenced);
    const isTold = !isHeld && isTimely(news, this.#memory ?? {}, keysOf(step.begun), nowMs);
    this.#memory = knowledgeAfter(channel, this.#memory, step, news, isTold);
    if (!isTold) return null;
    const words = (sign: string, alerts: readonly OpenAlert[]) =>
      [...keysOf(alerts)].map((key) => `${sign}${key}`).join('');
    return `${news.isAgain === true ? '!' : ''}${words('+', news.begun)}${words('-', news.ended)}`;
  }

  refuse(): void {
    this.#memory = afterRefusal(this.#memory!, this.#minute * MINUTE_MS);
  }

  /** As an earlier build left it. */
  forget(): void {
    this.#memory = {};
  }
}

describe('a channel', () => {
  it('that refused a message while the clock was ahead is told again when the clock is right', () => {
    const refused = afterRefusal<ChannelKnowledge>({}, 10_000 * MINUTE_MS);
    const isTold = (minute: number) => {
      const nowMs = minute * MINUTE_MS;
      const news = { begun: [], ended: [], isAgain: true };
      return isTimely(news, believedKnowledge(refused, nowMs), new Set(), nowMs);
    };
    expect([10, 9_999, 10_000, 10_059, 10_060].map(isTold)).toEqual([
      ...[true, true, false, false, true],
    ]);
  });

  it('that comes later is told what is open, and only then its end', () => {
    const watch = new Watch();
    watch.look('AB', { channel: null });
    watch.look('B', { channel: null });
    expect(watch.look('B')).toBe('+B');
    expect(watch.look('B')).toBeNull();
    expect(watch.look('')).toBe('-B');
  });

  it('is told no end of what it was never told', () => {
    const watch = new Watch();
    expect(watch.look('a')).toBeNull();
    expect(watch.look('', { channel: { ...MAIL, severity: 'warning' } })).toBeNull();
  });

  it('that is to be told more from now on is told what of it is open', () => {
    const watch = new Watch();
    expect(watch.look('Aa')).toBe('+A');
    expect(watch.look('Aa', { channel: { ...MAIL, severity: 'warning' } })).toBe('+a');
    // What it was told ends with a word, whatever it is to be told by then.
    expect(watch.look('A')).toBe('-a');
  });

  it('that refused a message is told all that is open an hour later, or with the next that begins', () => {
    const watch = new Watch();
    expect(watch.look('A')).toBe('+A');
    watch.refuse();
    for (let minute = 0; minute < 59; minute++) expect(watch.look('A')).toBeNull();
    expect(watch.look('A')).toBe('!+A');
    expect(watch.look('A')).toBeNull();
    watch.refuse();
    expect(watch.look('AB')).toBe('!+A+B');
    watch.refuse();
    // What ended meanwhile it may know, or not.
    for (let minute = 0; minute < 5; minute++) watch.look('AB');
    expect(watch.look('A')).toBe('!+A-B');
  });

  it('that refused the last end is told an hour later that all has ended', () => {
    const watch = new Watch();
    watch.look('A');
    expect(watch.look('')).toBe('-A');
    watch.refuse();
    for (let minute = 0; minute < 59; minute++) expect(watch.look('')).toBeNull();
    expect(watch.look('')).toBe('!');
    expect(watch.look('')).toBeNull();
    const news = { begun: [], ended: [], isAgain: true };
    expect(noticeOf(news, { sentence: 'All is well', number: 3, nowMs: 0 })).toMatchObject({
      ...{ kind: 'recovery', severity: null, subject: 'Well again: what was told before' },
      lines: [expect.stringContaining('what it is to know of what is open now'), 'All is well'],
    });
  });

  it('hears when its quiet hours end what began in them, what ended, and nothing of what came back', () => {
    const watch = new Watch();
    expect(watch.look('AB')).toBe('+A+B');
    const quiet = { isHeld: true };
    expect(watch.look('ABCD', quiet)).toBeNull();
    expect(watch.look('D', quiet)).toBeNull();
    expect(watch.look('BD', quiet)).toBeNull();
    expect(watch.look('BD')).toBe('+B+D-A-C');
    expect(watch.look('BD')).toBeNull();
  });

  it('counts what ends in quiet hours, and keeps twenty of it', () => {
    const keys = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
    const quiet = { begun: [], ended: keys.split('').map((key) => alert(key)) };
    const step = { open: [], begun: [], ended: [] };
    const waits = knowledgeAfter(MAIL, { knows: [] }, step, quiet, false).waits!;
    expect([waits.ended.length, waits.moreEnded]).toEqual([20, 6]);
    const news = newsFor(MAIL, { knows: [], waits }, step, () => false);
    const { lines, subject } = noticeOf(news, { sentence: 'x', number: 1, nowMs: 0 });
    expect([lines.length, lines.at(-2), subject]).toEqual([
      ...[22, 'and 6 more', 'Well again: A is late (+25)'],
    ]);
  });

  it('is not told what is silenced, which a channel of before was told', () => {
    const watch = new Watch();
    watch.look('A', { channel: null });
    expect(watch.look('A', { silenced: 'A' })).toBeNull();
    expect(watch.look('A')).toBe('+A');
  });

  it('that an earlier build told is told nothing twice, and every end', () => {
    const watch = new Watch();
    watch.look('Aa');
    watch.forget();
    expect(watch.look('AaB')).toBe('+B');
    expect(watch.look('a')).toBe('-A-B');
  });
});

function alert(key: string): OpenAlert {
  return { problem: problem(key), firstSeenMs: 0, lastSeenMs: 0, isTold: true };
}

it('what ended while a channel waited is told as a number where there is no room for its name', () => {
  const rules = { ...MAIL, quietHours: { from: '22:00', to: '07:00' } };
  const look = { nowMs: 0, holdMs: 0, isWhole: true };
  const told = nextLedger([], [problem('A')], look);
  const step = nextLedger(told.open, [], look);
  const before = { knows: ['A'] };
  const waits = knowledgeAfter(rules, before, step, newsFor(rules, before, step, NONE), false, 20);
  expect(waits).toEqual({ knows: [], waits: { begun: [], ended: [], moreEnded: 1 } });
  const news = newsFor(rules, waits, nextLedger([], [], look), NONE);
  expect(isTimely(news, waits, new Set(), 0)).toBe(true);
  const at = { sentence: 'All is safe', number: 2, nowMs: 0 };
  expect(noticeOf(news, at).subject).toBe('Well again: what was told before');
});

const NONE = () => false;
