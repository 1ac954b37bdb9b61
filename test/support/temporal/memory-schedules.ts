import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type Client,
  type ScheduleDescription,
  type ScheduleOptions,
  type ScheduleUpdateOptions,
} from '@temporalio/client';
import type { SearchAttributePair } from '@temporalio/common';

/** Schedules in memory, as far as stores of the API see them: no time passes, and nothing is started. A call takes turns, as one over a network. */
export class MemorySchedules {
  /** By id, as their descriptions. */
  readonly kept = new Map<string, ScheduleDescription>();
  /** Ids of those that were triggered. */
  readonly triggered: string[] = [];
  /** Called before each write, as another process may write in between. */
  beforeWrite: (call: string, scheduleId: string) => void | Promise<void> = () => undefined;

  /** What a workflow of this type that looks into a repository answers. */
  looks: (workflowType: string) => unknown = (type) => {
    throw new Error(`nobody answers ${type}`);
  };

  /** For stores that use Schedules and lists of workflows, of which there are none. */
  client(): Client {
    return {
      options: { namespace: 'memory' },
      withDeadline: (_deadline: number, call: () => unknown) => call(),
      workflow: { async *list() {}, execute: async (type: string) => this.looks(type) },
      schedule: {
        create: async (options: ScheduleOptions) => this.create(options),
        list: (options?: { query?: string }) => this.list(options?.query),
        getHandle: (scheduleId: string) => this.handle(scheduleId),
      },
      workflowService: {
        listWorkflowExecutions: async () => ({ executions: [] }),
        deleteWorkflowExecution: async () => ({}),
      },
    } as unknown as Client;
  }

  private async create({ scheduleId, state, ...body }: ScheduleOptions): Promise<void> {
    await Promise.resolve();
    await this.beforeWrite('create', scheduleId);
    if (this.kept.has(scheduleId)) throw new ScheduleAlreadyRunning('running', scheduleId);
    this.put(scheduleId, { ...body, state: { paused: false, ...state } });
  }

  private async *list(query?: string) {
    await Promise.resolve();
    const [, name, value] = /^(\w+) = '(.*)'$/.exec(query ?? '') ?? [];
    for (const schedule of this.kept.values()) {
      const known = schedule.typedSearchAttributes as unknown as Attributes;
      if (name === undefined || known.byName(name) === value) yield schedule;
    }
  }

  private handle(scheduleId: string) {
    const describe = async (): Promise<ScheduleDescription> => {
      await Promise.resolve();
      const found = this.kept.get(scheduleId);
      if (found === undefined) throw new ScheduleNotFoundError('not found', scheduleId);
      return found;
    };
    const pausing = (paused: boolean) => async (note?: string) => {
      const found = await describe();
      await this.beforeWrite('pause', scheduleId);
      this.kept.set(scheduleId, { ...found, state: { ...found.state, paused, note } });
    };
    return {
      describe,
      update: async (change: (found: ScheduleDescription) => ScheduleUpdateOptions) => {
        await this.beforeWrite('update', scheduleId);
        this.put(scheduleId, change(await describe()));
      },
      delete: async () => {
        await describe();
        await this.beforeWrite('delete', scheduleId);
        this.kept.delete(scheduleId);
      },
      ...{ pause: pausing(true), unpause: pausing(false) },
      trigger: async () => void this.triggered.push(scheduleId),
    };
  }

  private put(scheduleId: string, body: ScheduleUpdateOptions): void {
    const { action, state } = body;
    this.kept.set(scheduleId, {
      ...{ scheduleId, action, state: { ...state } },
      typedSearchAttributes: new Attributes(body.typedSearchAttributes as SearchAttributePair[]),
      info: {
        ...{ nextActionTimes: [], recentActions: [], runningActions: [] },
        ...{ numActionsMissedCatchupWindow: 0, createdAt: new Date(0) },
      },
    } as unknown as ScheduleDescription);
  }
}

class Attributes {
  constructor(private readonly pairs: readonly SearchAttributePair[] = []) {}

  get({ name }: { name: string }): unknown {
    return this.byName(name);
  }

  byName(name: string): unknown {
    return this.pairs.find(({ key }) => key.name === name)?.value;
  }
}
