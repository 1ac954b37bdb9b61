import {
  condition,
  patched,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { NotifyActivities, SafetyLook } from '../../activities/watch/notify-activities.js';
import {
  keysOf,
  nextLedger,
  type LedgerStep,
  type ObservedProblem,
  type OpenAlert,
} from '../../src/domain/notices/alert-ledger.js';
import { marked, unmarked } from '../../src/domain/notices/channel-marks.js';
import { afterRefusal } from '../../src/domain/notices/channel-news.js';
import {
  hiddenMostMs,
  hidesContent,
  isBehind,
  NOTHING_UNREAD,
} from '../../src/domain/notices/hidden-problems.js';
import type { WatchedChannel } from '../../src/domain/notices/notification-channel.js';
import { heldSilences, isSilenced, MAX_SILENCES } from '../../src/domain/notices/silence.js';
import { isStop, reasonOf } from '../failures.js';
import { goOnInNewRun } from '../history-length.js';
import {
  CONTROL_TASK_QUEUE,
  deliveryFailedSignal,
  endSilenceUpdate,
  lookNowSignal,
  openAlertsQuery,
  silencesQuery,
  silenceUpdate,
  type ChannelMemory,
  type WatchMemory,
} from '../messages.js';
import { tellChannel } from './tell-channel.js';
import { counted } from '../../src/domain/sentences.js';

/** Looks now and then whether all is well and tells the channels what begins to be wrong and what is well again, each once. It remembers
 *  since when; a look that could not be made changes nothing, and calls no check. Ends when no channel is configured; the service starts it
 *  at each start. */
export async function watchSafety(memory: WatchMemory = NO_MEMORY): Promise<void> {
  let { open, silences = [] } = memory;
  const channels = new Map(
    Object.entries(memory.channels).map(([id, each]) => [id, unmarked(open, each)]),
  );
  let isAsked = false;
  setHandler(openAlertsQuery, () => open);
  setHandler(lookNowSignal, () => {
    isAsked = true;
  });
  const refused = new Map<string, number>();
  setHandler(deliveryFailedSignal, (channelId) => void refused.set(channelId, Date.now()));
  const noteRefusals = () => {
    for (const [id, atMs] of refused) {
      const memory = channels.get(id);
      const fromMs = isNotedAtOnce() ? atMs : Date.now();
      if (memory !== undefined) channels.set(id, afterRefusal(memory, fromMs));
    }
    refused.clear();
  };
  const held = () => (silences = heldSilences(silences, Date.now()));
  setHandler(silencesQuery, () => heldSilences(silences, Date.now()));
  setHandler(silenceUpdate, (silence) => (silences = [...held(), silence].slice(-MAX_SILENCES)));
  setHandler(endSilenceUpdate, (id) => {
    silences = held().filter((silence) => silence.id !== id);
  });
  for (let looks = 0; looks < LOOKS_PER_RUN; looks++) {
    const rules = await quick.readWatchRules.executeWithOptions({ summary: 'read channels' }, []);
    if (rules.told.length + rules.pings.length === 0) return;
    if (isNotedAtOnce()) forgetRemoved(channels, rules.told);
    const look = await lookAtSafety([...keysOf(open)]);
    if (look !== null) {
      held();
      const isSilencedNow = (problem: ObservedProblem) => isSilenced(silences, problem);
      const step = stepOf(open, look, rules.holdMs, isSilencedNow);
      ({ open } = step);
      const sentence = sentenceOf(look, open.length);
      setCurrentDetails(`${sentence}\n\n${openText(open.length)}`);
      const { timeZone } = rules;
      const mostWaitingBytes = waitingBytes(rules.told.length);
      const told = { sentence, state: look.state, timeZone, mostWaitingBytes };
      const seen = { isUnseen: unseenBy(look), isWhole: isSeenWhole(look) };
      const news = { step, ...told, isSilenced: isSilencedNow, ...seen };
      forgetRemoved(channels, rules.told);
      for (const channel of rules.told) {
        noteRefusals();
        channels.set(channel.id, await tellChannel(channel, channels.get(channel.id), news));
      }
    }
    if (look !== null || isCalledBlindly()) for (const id of rules.pings) await pingQuietly(id);
    isAsked = false;
    await condition(() => isAsked, rules.watchMs);
    if (workflowInfo().continueAsNewSuggested) break;
  }
  noteRefusals();
  await goOnInNewRun<typeof watchSafety>({
    ...{ open, silences },
    channels: Object.fromEntries([...channels].map(([id, each]) => [id, marked(open, each)])),
  });
}

const NO_MEMORY: WatchMemory = { open: [], channels: {} };
/** Of what is followed, a third of what a run may be begun with. */
const OPEN_BYTES = 600_000;
/** Of what ended and waits, for all channels; what they know of what is open takes a byte for each alert, at most 250,000, and silences as much. */
const WAITING_BYTES = 400_000;
/** A day of looks every five minutes; about 5,000 events. */
const LOOKS_PER_RUN = 288;

const quick = proxyActivities<NotifyActivities>({
  taskQueue: CONTROL_TASK_QUEUE,
  startToCloseTimeout: '30s',
});

const looking = proxyActivities<NotifyActivities>({
  taskQueue: CONTROL_TASK_QUEUE,
  startToCloseTimeout: '5m',
  scheduleToCloseTimeout: '10m',
  retry: { initialInterval: '5s', maximumInterval: '1m' },
});

const pinging = proxyActivities<NotifyActivities>({
  taskQueue: CONTROL_TASK_QUEUE,
  startToCloseTimeout: '30s',
  retry: { maximumAttempts: 3 },
});

/** null: it could not be made. What nobody can look at is told by a `ping` channel alone, which is not called. */
async function lookAtSafety(open: readonly string[]): Promise<SafetyLook | null> {
  try {
    return await looking.lookAtSafety.executeWithOptions({ summary: 'look at all copies' }, [
      { open },
    ]);
  } catch (error) {
    if (isStop(error)) throw error;
    setCurrentDetails(`Could not look: ${reasonOf(error)}`);
    return null;
  }
}

/** Earlier builds called the checks after a look that had failed, too. */
function isCalledBlindly(): boolean {
  return !patched('watchSafety-20261127-ping-what-was-seen');
}

/** Earlier builds ended what a single look did not show. */
function endsSinceSeen(): boolean {
  return !patched('watchSafety-20261127-unseen-as-long');
}

/** Earlier builds kept open what was hidden as long as that lasted. */
function isHiddenForADay(): boolean {
  return patched('watchSafety-20261128-hidden-a-day');
}

/** Earlier builds kept open what looks that were not whole did not show, for as long as a repository was away. */
function isBlindForADay(): boolean {
  return patched('watchSafety-20261129-blind-a-day');
}

/** Earlier builds learned of refusals, and of channels that were taken out, at the next look that was made. */
function isNotedAtOnce(): boolean {
  return patched('watchSafety-20261128-notes-at-once');
}

/** Earlier builds bounded the number of what ended and waits for a channel, and not its length. */
function waitingBytes(channels: number): number | undefined {
  if (!patched('watchSafety-20261128-memory-in-all')) return undefined;
  return Math.floor(WAITING_BYTES / Math.max(1, channels));
}

async function pingQuietly(channelId: string): Promise<void> {
  try {
    await pinging.pingChannel.executeWithOptions({ summary: `ping ${channelId}` }, [channelId]);
  } catch (error) {
    // Whom it does not reach notices that by itself: that is what it is there for.
    if (isStop(error)) throw error;
  }
}

function stepOf(
  open: readonly OpenAlert[],
  { problems, isWhole, stillThere, unread = NOTHING_UNREAD }: SafetyLook,
  holdMs: number,
  isSilencedNow: (problem: ObservedProblem) => boolean,
): LedgerStep {
  const there = new Set(stillThere);
  return nextLedger(open, problems, {
    ...{ nowMs: Date.now(), holdMs, isWhole },
    isThere: (key) => there.has(key),
    isHidden: (problem) => isBehind(unread, problem),
    ...(isHiddenForADay() ? { hiddenMostMs } : {}),
    hidesUnlessWhole: isBlindForADay(),
    endsSinceSeen: endsSinceSeen(),
    isSilenced: isSilencedNow,
    mostBytes: OPEN_BYTES,
  });
}

function unseenBy({
  isWhole,
  unread = NOTHING_UNREAD,
}: SafetyLook): (problem: ObservedProblem) => boolean {
  return (problem) => !isWhole || isBehind(unread, problem);
}

function isSeenWhole({ isWhole, unread = NOTHING_UNREAD }: SafetyLook): boolean {
  return isWhole && !hidesContent(unread);
}

function openText(count: number): string {
  return `${counted(count, 'problem is', 'problems are')} open.`;
}

/** Beside the verdict what messages are silent of. */
function sentenceOf({ sentence, count = 0 }: SafetyLook, openCount: number): string {
  return count > openCount
    ? `${sentence} (${counted(count, 'problem')}, of which ${counted(openCount, 'is', 'are')} told one by one)`
    : sentence;
}

/** A channel that was taken out of the configuration hears all when it comes back. */
function forgetRemoved(
  channels: Map<string, ChannelMemory>,
  told: readonly WatchedChannel[],
): void {
  for (const [id, { told: count, digestDay: day }] of channels)
    if (!told.some((channel) => channel.id === id))
      channels.set(id, { told: count, digestDay: day, knows: [] });
}
