import type { Activities } from '../../../activities/activities.js';

/** The process that does the activities. */
export interface LocalWorker {
  readonly activities: Activities;
  /** The one in work, or the last one that was. */
  activity: string;
  isDead(): boolean;
  /** Whether nobody learns of what was just done, so that it is done again. */
  losesAnswer?(activity: string, attempt: number): boolean;
  /** Whether it takes up no such activity just now. */
  isAway?(activity: string): boolean;
  /** Called before each activity, with a way to ask the workflow that wants it. */
  before?(activity: string, ask: Ask): Promise<void>;
  /** Called when everything waits for a later moment, with a way to ask any workflow. */
  whileWaiting?(ask: AskAny): Promise<void>;
}

/** Asks a workflow by the name of a query. */
export type Ask = (queryType: string) => Promise<unknown>;

export type AskAny = (workflowId: string, queryType: string) => Promise<unknown>;
