/** A document of the operator's intent that no workflow needs: the argument of a Schedule that never starts anything. It lasts as long as
 *  the jobs do, and every process that knows the server can read it. */

import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type Client,
  type ScheduleDescription,
} from '@temporalio/client';
import { CONTROL_TASK_QUEUE } from '../../../workflows/messages.js';
import { NEVER } from '../jobs/job-schedule.js';
import { InTurn } from './in-turn.js';

export class KeptDocument<Content> {
  private readonly writes = new InTurn();

  constructor(
    private readonly client: Client,
    /** Of the Schedule. */
    private readonly id: string,
    private readonly empty: Content,
  ) {}

  async read(): Promise<Content> {
    return (await this.find()) ?? this.empty;
  }

  /** What another process writes between the look and the write is looked at, and changed, in its turn.
   *  @param change gets what is there now, more than once if need be; what it gives back unchanged is not written */
  write(change: (present: Content) => Content): Promise<Content> {
    return this.writes.run(async () => {
      for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
        const found = await this.find();
        const present = found ?? this.empty;
        const changed = change(present);
        if (changed === present || (await this.put(found, changed))) return changed;
      }
      throw new Error(`${this.id} was changed by others ${MOST_ATTEMPTS} times in a row`);
    });
  }

  /** null: it was never written. */
  private async find(): Promise<Content | null> {
    try {
      const { action } = await this.client.schedule.getHandle(this.id).describe();
      return contentOf<Content>(action);
    } catch (error) {
      if (error instanceof ScheduleNotFoundError) return null;
      throw error;
    }
  }

  /** @returns false: it is not `found` any more, and nothing was written */
  private async put(found: Content | null, content: Content): Promise<boolean> {
    const body = {
      spec: NEVER,
      action: {
        type: 'startWorkflow' as const,
        workflowType: this.id,
        workflowId: this.id,
        taskQueue: CONTROL_TASK_QUEUE,
        args: [content],
      },
    };
    try {
      if (found === null) {
        const state = { paused: true, note: 'holds what its action carries, and starts nothing' };
        await this.client.schedule.create({ ...body, scheduleId: this.id, state });
      } else {
        const handle = this.client.schedule.getHandle(this.id);
        // Whatever was written since the look, the client would write over: it compares nothing by itself.
        await handle.update(({ action, state }) => {
          if (!isSame(contentOf(action), found)) throw new ChangedMeanwhile();
          return { ...body, state };
        });
      }
      return true;
    } catch (error) {
      const isOther =
        error instanceof ChangedMeanwhile ||
        error instanceof ScheduleAlreadyRunning ||
        error instanceof ScheduleNotFoundError;
      if (isOther) return false;
      throw error;
    }
  }
}

const MOST_ATTEMPTS = 20;

class ChangedMeanwhile extends Error {}

function contentOf<Content>({ args }: ScheduleDescription['action']): Content {
  return (args as unknown as [Content])[0];
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
