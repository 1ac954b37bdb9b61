import {
  condition,
  ParentClosePolicy,
  patched,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { NotifyActivities, SafetyLook } from '../activities/notify-activities.js';
import { nextLedger, type LedgerStep } from '../src/domain/safety/alert-ledger.js';
import { digest, digestDay, noticeOfStep, type Notice } from '../src/domain/safety/notice.js';
import { utcDay } from '../src/domain/schedules/calendar-date.js';
import type { WatchedChannel } from '../src/domain/safety/notification-channel.js';
import { isQuiet, joinedStep } from '../src/domain/safety/quiet-hours.js';
import { heldSilences, isSilenced, MAX_SILENCES } from '../src/domain/safety/silence.js';
import { isStop, reasonOf } from './failures.js';
import { goOnInNewRun } from './history-length.js';
import {
  CONTROL_TASK_QUEUE,
  endSilenceUpdate,
  lookNowSignal,
  noticeWorkflowId,
  openAlertsQuery,
  silencesQuery,
  silenceUpdate,
  type ChannelMemory,
  type NotifyInput,
  type WatchMemory,
} from './messages.js';

/** Looks now and then whether all is well and tells the channels what begins to be wrong and what is well again, each once. It remembers
 *  since when; a look that could not be made changes nothing, and calls no check. Ends when no channel is configured; the service starts it
 *  at each start. */
export async function watchSafety(memory: WatchMemory = NO_MEMORY): Promise<void> {
  let { open, silences = [] } = memory;
  const channels = new Map(Object.entries(memory.channels));
  let isAsked = false;
  setHandler(openAlertsQuery, () => open);
  setHandler(lookNowSignal, () => {
    isAsked = true;
  });
  const held = () => (silences = heldSilences(silences, Date.now()));
  setHandler(silencesQuery, () => heldSilences(silences, Date.now()));
  setHandler(silenceUpdate, (silence) => (silences = [...held(), silence].slice(-MAX_SILENCES)));
  setHandler(endSilenceUpdate, (id) => {
    silences = held().filter((silence) => silence.id !== id);
  });
  for (let looks = 0; looks < LOOKS_PER_RUN; looks++) {
    const rules = await quick.readWatchRules.executeWithOptions({ summary: 'read channels' }, []);
    if (rules.told.length + rules.pings.length === 0) return;
    const look = await lookAtSafety();
    if (look !== null) {
      held();
      const step = nextLedger(open, look.problems, {
        nowMs: Date.now(),
        holdMs: rules.holdMs,
        isWhole: look.isWhole,
        endsSinceSeen: endsSinceSeen(),
        isSilenced: (problem) => isSilenced(silences, problem),
      });
      ({ open } = step);
      setCurrentDetails(`${look.sentence}\n\n${open.length} problems are open.`);
      const { sentence, state } = look;
      const news = { step, sentence, state, timeZone: rules.timeZone };
      for (const channel of rules.told)
        channels.set(channel.id, await tell(channel, channels.get(channel.id), news));
    }
    if (look !== null || isCalledBlindly()) for (const id of rules.pings) await pingQuietly(id);
    isAsked = false;
    await condition(() => isAsked, rules.watchMs);
    if (workflowInfo().continueAsNewSuggested) break;
  }
  await goOnInNewRun<typeof watchSafety>({
    ...{ open, silences },
    channels: Object.fromEntries(channels),
  });
}

const NO_MEMORY: WatchMemory = { open: [], channels: {} };
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
async function lookAtSafety(): Promise<SafetyLook | null> {
  try {
    return await looking.lookAtSafety.executeWithOptions({ summary: 'look at all copies' }, []);
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

async function pingQuietly(channelId: string): Promise<void> {
  try {
    await pinging.pingChannel.executeWithOptions({ summary: `ping ${channelId}` }, [channelId]);
  } catch (error) {
    // Whom it does not reach notices that by itself: that is what it is there for.
    if (isStop(error)) throw error;
  }
}

/** What one look has for the channels. */
interface News extends Pick<SafetyLook, 'sentence' | 'state'> {
  readonly step: LedgerStep;
  readonly timeZone: string;
}

async function tell(
  channel: WatchedChannel,
  before: ChannelMemory | undefined,
  { step: newStep, sentence, state, timeZone }: News,
): Promise<ChannelMemory> {
  const nowMs = Date.now();
  let { told, digestDay: lastDay } = before ?? { told: 0, digestDay: null };
  const step = joinedStep(before?.held, newStep);
  const isHeld = isQuiet(channel.quietHours, timeZone, nowMs);
  const notice = isHeld ? null : noticeOfStep(channel, step, { sentence, number: told + 1, nowMs });
  if (notice !== null && (await startDelivery(channel.id, notice))) told++;
  const day = digestDay(channel, lastDay, timeZone, nowMs);
  if (day !== null) {
    const news = { sentence, state, number: told + 1, nowMs, day: dayOfDigest(day, nowMs) };
    if (await startDelivery(channel.id, digest(channel, step.open, news))) told++;
    lastDay = day;
  }
  const { begun, ended } = step;
  const waits = isHeld && begun.length + ended.length > 0;
  return { told, digestDay: lastDay, ...(waits ? { held: { begun, ended } } : {}) };
}

/** Earlier builds named a digest for the UTC day of the look: two days of the zone may have one. */
function dayOfDigest(day: string, nowMs: number): string {
  return patched('watchSafety-20261127-digest-of-local-day') ? day : utcDay(nowMs);
}

/** Each delivery has its own workflow: it may take days, and the watch goes on.
 *  @returns false: the channel was told this before, by a watch that has forgotten it */
async function startDelivery(channelId: string, notice: Notice): Promise<boolean> {
  try {
    await startChild(notify, {
      workflowId: noticeWorkflowId(notice.id, channelId),
      taskQueue: CONTROL_TASK_QUEUE,
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: notice.subject,
      args: [{ channelId, notice }],
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

/** Tells one channel one thing, with growing pauses for three days. */
export async function notify(input: NotifyInput): Promise<void> {
  const { deliverNotice } = proxyActivities<NotifyActivities>({
    taskQueue: CONTROL_TASK_QUEUE,
    startToCloseTimeout: '2m',
    scheduleToCloseTimeout: '3d',
    retry: { initialInterval: '30s', backoffCoefficient: 2, maximumInterval: '1h' },
  });
  const summary = `tell ${input.channelId}: ${input.notice.subject}`;
  await deliverNotice.executeWithOptions({ summary }, [input]);
}
