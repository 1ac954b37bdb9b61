import type { CopyTask, SessionResult } from '../../src/domain/sessions/copy-session.js';
import type { SessionTally } from '../../src/domain/sessions/session-tally.js';
import {
  forAll,
  NOT_ASKED,
  retryOrder,
  sessionEnd,
  type AskedFor,
  type RetryOrder,
  type SessionEnd,
} from '../../src/domain/schedules/retry.js';
import type { CopySessionInput } from '../messages.js';

/** What a session leaves to those that come after it. */
export class SessionEnding {
  private readonly asked: AskedFor;

  constructor(
    private readonly input: CopySessionInput,
    private readonly session: {
      readonly tally: SessionTally;
      /** A source, or a part of one, showed nothing or could not be read. */
      readonly isUnseen: boolean;
      readonly startedAt: string;
    },
  ) {
    const { isUnseen } = session;
    const { overrides, sought = [] } = input;
    this.asked = { workloads: overrides?.workloads ?? null, sought, isUnseen };
  }

  retryOrder(): RetryOrder | null {
    const { tasks, counts } = this.session.tally;
    const { job, trigger, tryNumber = 1 } = this.input;
    const asked = trigger === 'retry' || trigger === 'watch' ? this.asked : NOT_ASKED;
    const order = retryOrder(job, tryNumber, tasks, Date.now(), asked);
    const named = tasks.filter(({ result }) => result === 'failed').length;
    const isNamed = order === null || order.workloads === null || named >= counts.failed;
    return isNamed ? order : { ...order, ...forAll(order.workloads) };
  }

  told(
    result: SessionResult,
    order: RetryOrder | null,
  ): { end: SessionEnd; startsFollowers: boolean } {
    const { tally, startedAt } = this.session;
    const isWell = result === 'success' || result === 'warning';
    const hasCopied = tally.counts.success > 0 || tally.tasks.some(hasCommitted);
    const end = sessionEnd(this.asked, tally.tasks, Date.parse(startedAt), order);
    const isFirstTry = (this.input.tryNumber ?? 1) === 1 && !this.hasOnlyMetOthers();
    return { end, startsFollowers: isFirstTry || (isWell && hasCopied) };
  }

  /** A watch that looks on beside a long session finds what that one has under way. */
  private hasOnlyMetOthers(): boolean {
    const { tasks } = this.session.tally;
    if (this.input.trigger !== 'watch' || tasks.length === 0) return false;
    return tasks.every(({ result, code }) => result === 'warning' && code === 'CHAIN_LOCKED');
  }
}

/** A warning may be all that there is: another session was at work on the workload, or the source showed nothing. */
function hasCommitted({ committed }: Pick<CopyTask, 'committed'>): boolean {
  return committed.length > 0;
}
