/** A session in one sentence: does it move, when is it done, what holds it up; or how it ended. Pure. */

import type { TaskCounts } from '../../domain/sessions/copy-session.js';
import type { SessionView } from '../../api/sessions/session-schemas.js';
import { bytes, counted, duration } from './format.js';
import { slowestSentence } from './hold-up.js';
import { listed } from './job-words.js';
import { saySession, type Mood } from './words.js';

interface Verdict {
  readonly mood: Mood;
  readonly sentence: string;
}

/** @param stillMs for how long its progress has not changed; null: not known */
export function sessionVerdict(
  session: SessionView,
  nowMs: number,
  stillMs: number | null,
): Verdict {
  if (session.state === 'ended')
    return { mood: saySession(session).mood, sentence: endSentence(session) };
  const tookMs = nowMs - Date.parse(session.startedAt);
  const since = `It runs for ${duration(tookMs)}`;
  if (session.state === 'paused')
    return {
      mood: 'attention',
      sentence: `It is paused ${shareOf(session)} and copies nothing until it is resumed.`,
    };
  if (session.state === 'stopping')
    return {
      mood: 'attention',
      sentence:
        'It is stopping at its next durable position; what it has copied stays for the next session.',
    };
  if (session.state === 'waiting')
    return {
      mood: 'quiet',
      sentence: `It waits ${shareOf(session)}, ${session.reason ?? 'for its hours'}, and goes on by itself${whenWords(session.waitsUntil, nowMs)}.`,
    };
  const waits = waitSentence(session);
  if (waits !== null) return { mood: 'attention', sentence: waits };
  if (!session.live)
    return {
      mood: 'unknown',
      sentence: `No worker answers, so this is how it was last known, ${shareOf(session)}. It goes on by itself when a worker is back.`,
    };
  if (stillMs !== null && stillMs > STILL_LIMIT_MS && isCopying(session))
    return {
      mood: 'attention',
      sentence: `Nothing has moved for ${duration(stillMs)}, ${shareOf(session)}. A worker that was killed is given up after its heartbeat timeout; then the copy goes on where it was.`,
    };
  const { etaSeconds, bytesPerSecond, totalBytes } = session.progress;
  if (totalBytes === 0)
    return { mood: 'busy', sentence: `${since} and is looking at what there is to copy.` };
  const speed = bytesPerSecond > 0 ? ` at ${bytes(bytesPerSecond)}/s` : '';
  const left =
    etaSeconds === null || etaSeconds < 1 ? '' : `; done in about ${duration(etaSeconds * 1_000)}`;
  const slowest = slowestSentence(session.bottleneck);
  const sentence = `It copies${speed} and is ${shareOf(session)}${left}.${slowest}`;
  return { mood: 'busy', sentence };
}

/** Of a session that cannot be read any more: no speed and no end, which would stand there for ever. */
export function staleVerdict(session: SessionView, nowMs: number, seenAtMs: number): Verdict {
  const ago = duration(nowMs - seenAtMs);
  const { word } = saySession(session);
  return {
    mood: 'unknown',
    sentence: `Not known now. ${ago} ago it was ${word}, ${shareOf(session)}. A session goes on by itself, whether or not it can be read.`,
  };
}

const STILL_LIMIT_MS = 15_000;

function whenWords(until: string | null, nowMs: number): string {
  return until === null ? '' : ` in ${duration(Math.max(0, Date.parse(until) - nowMs))}`;
}

function isCopying({ tasks }: SessionView): boolean {
  return tasks.some(({ state }) => state === 'copying');
}

function shareOf({ progress: { percent, totalBytes }, taskCounts }: SessionView): string {
  const known = taskCounts.waiting > 0 ? ' known so far' : '';
  return totalBytes === 0
    ? 'before its first block'
    : `at ${Math.floor(percent)} % of ${bytes(totalBytes)}${known}`;
}

/** null: it waits for nothing. */
function waitSentence({ retry, waits, tasks }: SessionView): string | null {
  const hold = waits ?? retry;
  if (hold !== null) return `The session waits: ${hold.reason}`.replace(/\.?$/, '.');
  const active = tasks.filter(({ state }) => state !== 'ended' && state !== 'waiting');
  const holds = active.flatMap((task) => task.waits ?? task.retry ?? []);
  if (holds.length === 0 || holds.length < active.length) return null;
  const reasons = new Set(holds.map(({ reason }) => reason));
  return `Everything in work waits: ${[...reasons].slice(0, 2).join('; ')}`.replace(/\.?$/, '.');
}

function endSentence(session: SessionView): string {
  const { startedAt, endedAt, progress, result, reason } = session;
  const took = duration(Date.parse(endedAt ?? startedAt) - Date.parse(startedAt));
  const counts = endedWords(session);
  const shipped =
    progress.transferredBytes > 0
      ? ` ${bytes(progress.transferredBytes)} were new in the target.`
      : '';
  if (result === 'nothingToCopy') return `There was nothing new to copy; it took ${took}.`;
  if (counts === '')
    return `It ended as ${saySession(session).word} after ${took}${reason === null ? '' : `: ${reason}`}`.replace(
      /\.?$/,
      '.',
    );
  return `It took ${took}: ${counts}.${shipped}`;
}

const COUNT_WORDS: readonly (readonly [keyof TaskCounts, string, string])[] = [
  ['failed', 'workload failed', 'workloads failed'],
  ['actionRequired', 'workload needs a decision', 'workloads need a decision'],
  ['stopped', 'workload was stopped', 'workloads were stopped'],
  ['warning', 'workload ended with a warning', 'workloads ended with a warning'],
  ['success', 'workload was copied', 'workloads were copied'],
  ['nothingToCopy', 'workload had nothing new', 'workloads had nothing new'],
  ['running', 'workload is in work', 'workloads are in work'],
  ['waiting', 'workload waits', 'workloads wait'],
];

/** What ended with this result and is no workload: a source that shows nothing, a rule that the job breaks. */
const OTHER_WORDS: Readonly<Partial<Record<keyof TaskCounts, readonly [string, string]>>> = {
  failed: [
    'fault is of a source or of the job itself',
    'faults are of sources or of the job itself',
  ],
  warning: [
    'warning is of a source or of the job itself',
    'warnings are of sources or of the job itself',
  ],
  success: ['workload that is gone was dealt with', 'workloads that are gone were dealt with'],
  nothingToCopy: ['entry of a source was passed over', 'entries of sources were passed over'],
};

/** Tasks of no workload apart from the workloads, as far as they are listed. */
function endedWords({ tasks, taskCounts }: Pick<SessionView, 'tasks' | 'taskCounts'>): string {
  const others = (name: keyof TaskCounts) =>
    tasks.filter(({ workloadId, result }) => workloadId === null && result === name).length;
  return listed(
    COUNT_WORDS.flatMap(([name, ...words]) => {
      const ofNone = OTHER_WORDS[name] === undefined ? 0 : others(name);
      return [
        ...countedAs(taskCounts[name] - ofNone, words),
        ...countedAs(ofNone, OTHER_WORDS[name] ?? words),
      ];
    }),
  );
}

/** Bad ones first; empty: no task is known. */
export function countWords(counts: TaskCounts): string {
  return listed(COUNT_WORDS.flatMap(([name, ...words]) => countedAs(counts[name], words)));
}

function countedAs(count: number, [one, many]: readonly [string, string]): string[] {
  return count > 0 ? [counted(count, one, many)] : [];
}
