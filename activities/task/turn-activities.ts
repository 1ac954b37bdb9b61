import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/common';
import { TURN_UPDATE } from '../../src/domain/sessions/turn.js';

interface TurnRequest {
  /** Of the turn that the workflow waits for. */
  readonly token: string;
}

/** Heartbeats within the time after which a turn is given to another worker. */
const BEATS = 3;

/** Turns of workloads. They have a queue of their own, whose worker runs as many activities at once as workloads may be worked at. */
export function createTurnActivities() {
  return {
    /** Begins when it is the workload's turn and lasts until the workload gives it back, or its workflow has ended. A repeat, after the
     *  worker died, takes up the same turn. */
    async holdTurn({ token }: TurnRequest): Promise<void> {
      const context = Context.current();
      const { client, cancellationSignal, info } = context;
      const { workflowId, runId } = info.workflowExecution!;
      const workflow = client.workflow.getHandle(workflowId, runId);
      const beat = setInterval(() => context.heartbeat(), (info.heartbeatTimeoutMs ?? 0) / BEATS);
      try {
        await client.withAbortSignal(cancellationSignal, () =>
          workflow.executeUpdate(TURN_UPDATE, { args: [token], updateId: token }),
        );
      } catch (error) {
        if (cancellationSignal.aborted) throw cancellationSignal.reason;
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      } finally {
        clearInterval(beat);
      }
    },
  };
}

export type TurnActivities = ReturnType<typeof createTurnActivities>;
