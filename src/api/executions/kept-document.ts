/** A document of the operator's intent that no workflow needs: the argument of a Schedule that never starts anything. It lasts as long as
 *  the jobs do, and every process that knows the server can read it. */

import { ScheduleAlreadyRunning, ScheduleNotFoundError, type Client } from '@temporalio/client';
import { CONTROL_TASK_QUEUE } from '../../../workflows/messages.js';
import { NEVER } from '../jobs/job-schedule.js';

export class KeptDocument<Content> {
  /** Writes of this process, one after the other. */
  private lastWrite: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly client: Client,
    /** Of the Schedule. */
    private readonly id: string,
    private readonly empty: Content,
  ) {}

  async read(): Promise<Content> {
    try {
      const { action } = await this.client.schedule.getHandle(this.id).describe();
      return (action.args as unknown as [Content])[0];
    } catch (error) {
      if (error instanceof ScheduleNotFoundError) return this.empty;
      throw error;
    }
  }

  /** @param change gets what is there now */
  async write(change: (present: Content) => Content): Promise<Content> {
    const write = this.lastWrite
      .catch(() => undefined)
      .then(async () => {
        const changed = change(await this.read());
        await this.put(changed);
        return changed;
      });
    this.lastWrite = write;
    return write;
  }

  private async put(content: Content): Promise<void> {
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
    const state = { paused: true, note: 'holds what its action carries, and starts nothing' };
    try {
      await this.client.schedule.create({ ...body, scheduleId: this.id, state });
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
      const handle = this.client.schedule.getHandle(this.id);
      await handle.update((present) => ({ ...body, state: present.state }));
    }
  }
}
