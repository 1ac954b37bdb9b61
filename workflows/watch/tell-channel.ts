import {
  getExternalWorkflowHandle,
  ParentClosePolicy,
  patched,
  proxyActivities,
  startChild,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { NotifyActivities, SafetyLook } from '../../activities/watch/notify-activities.js';
import {
  keysOf,
  type LedgerStep,
  type ObservedProblem,
} from '../../src/domain/notices/alert-ledger.js';
import {
  asSeenNow,
  believedKnowledge,
  isTimely,
  knowledgeAfter,
  newsFor,
  type ChannelKnowledge,
} from '../../src/domain/notices/channel-news.js';
import {
  believedDay,
  dayBefore,
  digest,
  digestDay,
  digestOfToday,
  noticeOf,
  noticeOfStep,
  type News,
  type Notice,
  type NoticeTime,
} from '../../src/domain/notices/notice.js';
import { utcDay } from '../../src/domain/schedules/calendar-date.js';
import type { WatchedChannel } from '../../src/domain/notices/notification-channel.js';
import { isQuiet, joinedStep } from '../../src/domain/notices/quiet-hours.js';
import { isStop } from '../failures.js';
import {
  CONTROL_TASK_QUEUE,
  deliveryFailedSignal,
  noticeWorkflowId,
  WATCH_SAFETY_ID,
  type ChannelMemory,
  type NotifyInput,
} from '../messages.js';

/** What one look has for the channels. */
interface SiteNews extends Pick<SafetyLook, 'sentence' | 'state'> {
  readonly step: LedgerStep;
  readonly timeZone: string;
  readonly isSilenced: (problem: ObservedProblem) => boolean;
  /** Whether the look could not have shown it. */
  readonly isUnseen: (problem: ObservedProblem) => boolean;
  /** Whether it could have shown everything. */
  readonly isWhole: boolean;
  /** Of what ended and waits for one channel, as JSON. undefined: earlier builds bounded its number alone, and let what was only counted wait. */
  readonly mostWaitingBytes: number | undefined;
}

/** What one look has for one channel, and its digest when that is due. @returns what is remembered of the channel from then on */
export async function tellChannel(
  channel: WatchedChannel,
  remembered: ChannelMemory | undefined,
  look: SiteNews,
): Promise<ChannelMemory> {
  const { step: newStep, sentence, state, timeZone, isSilenced, mostWaitingBytes } = look;
  const { isUnseen, isWhole } = look;
  const nowMs = Date.now();
  const isBelieved = patched(CLOCK_AHEAD);
  const before =
    isBelieved && remembered !== undefined ? believedKnowledge(remembered, nowMs) : remembered;
  let { told, digestDay: lastDay } = before ?? { told: 0, digestDay: null };
  const isHeld = isQuiet(channel.quietHours, timeZone, nowMs);
  const at = { sentence, number: told + 1, nowMs };
  const { notice, knowledge } = patched(KNOWS_WHAT_WAS_TOLD)
    ? newsNotice(channel, before, {
        ...{ step: newStep, isSilenced, isUnseen, isWhole, isHeld, at, mostWaitingBytes },
      })
    : stepNotice(channel, before, { step: newStep, isHeld, at });
  if (notice !== null && (await startDelivery(channel.id, notice))) told++;
  const isLastDue = patched(LAST_DUE_DIGEST);
  if (isLastDue) lastDay ??= dayBefore(timeZone, nowMs);
  if (isBelieved && lastDay !== null) lastDay = believedDay(lastDay, timeZone, nowMs);
  const day = (isLastDue ? digestDay : digestOfToday)(channel, lastDay, timeZone, nowMs);
  if (day !== null) {
    const news = { sentence, state, number: told + 1, nowMs, day: dayOfDigest(day, nowMs) };
    if (await startDelivery(channel.id, digest(channel, newStep.open, news))) told++;
    lastDay = day;
  }
  return { told, digestDay: lastDay, ...knowledge };
}

/** Earlier builds told every channel what a look began or ended, whatever it had been told. */
const KNOWS_WHAT_WAS_TOLD = 'watchSafety-20261127-knows-what-was-told';

/** Earlier builds waited for what one look of a clock that was ahead had set. */
const CLOCK_AHEAD = 'watchSafety-20261128-clock-ahead';

/** Earlier builds left out the digest of a day whose time no look came after. */
const LAST_DUE_DIGEST = 'watchSafety-20261127-last-due-digest';

interface ToTell extends Pick<SiteNews, 'step'> {
  readonly isHeld: boolean;
  readonly at: NoticeTime;
}

interface Told {
  readonly notice: Notice | null;
  readonly knowledge: ChannelKnowledge;
}

function newsNotice(
  channel: WatchedChannel,
  before: ChannelMemory | undefined,
  {
    step,
    isSilenced,
    isUnseen,
    isWhole,
    isHeld,
    at,
    mostWaitingBytes,
  }: ToTell & Pick<SiteNews, 'isSilenced' | 'isUnseen' | 'isWhole' | 'mostWaitingBytes'>,
): Told {
  const found = newsFor(channel, before, step, isSilenced);
  const isEarlier = mostWaitingBytes === undefined;
  const news = isEarlier ? earlierNews(found, step) : found;
  const counted = isEarlier ? { ...news, moreEnded: 0 } : news;
  const isTold = !isHeld && isTimely(counted, before ?? {}, keysOf(step.begun), at.nowMs);
  const knowledge = knowledgeAfter(channel, before, step, news, isTold, mostWaitingBytes);
  const told = () => noticeOf({ ...asSeenNow(news, step, isUnseen, at.nowMs), isWhole }, at);
  return { notice: isTold ? told() : null, knowledge };
}

/** Earlier builds told as ended what was there again and was not told yet. */
function earlierNews(news: News, { open }: LedgerStep): News {
  const isTold = keysOf(open.filter((alert) => alert.isTold));
  const untold = (news.returned ?? []).filter(({ problem }) => !isTold.has(problem.key));
  return { ...news, ended: [...untold, ...news.ended], returned: [] };
}

function stepNotice(
  channel: WatchedChannel,
  before: ChannelMemory | undefined,
  { step: newStep, isHeld, at }: ToTell,
): Told {
  const step = joinedStep(before?.held, newStep);
  const { begun, ended } = step;
  const waits = isHeld && begun.length + ended.length > 0;
  const notice = isHeld ? null : noticeOfStep(channel, step, at);
  return { notice, knowledge: waits ? { held: { begun, ended } } : {} };
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
  const { subject, kind, number } = input.notice;
  const summary = `tell ${input.channelId}: ${subject}`;
  try {
    await deliverNotice.executeWithOptions({ summary }, [input]);
  } catch (error) {
    if (!isStop(error) && (kind === 'alarm' || kind === 'recovery') && number > 0)
      await tellRefusal(input.channelId);
    throw error;
  }
}

/** To the watch, which tells all that is open again. */
async function tellRefusal(channelId: string): Promise<void> {
  try {
    await getExternalWorkflowHandle(WATCH_SAFETY_ID).signal(deliveryFailedSignal, channelId);
  } catch (error) {
    // A watch that runs no more has nothing to tell.
    if (isStop(error)) throw error;
  }
}
