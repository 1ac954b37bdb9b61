/** What the handlers of one request tell each other. */

import type { Response } from 'express';
import type { Caller } from '../domain/access/access.js';

export function setCaller(response: Response, caller: Caller): void {
  response.locals.caller = caller;
}

/** @throws if nobody was let in: a fault of the order of handlers */
export function callerOf(response: Response): Caller {
  const caller = response.locals.caller as Caller | undefined;
  if (caller === undefined) throw new Error('nobody was let in');
  return caller;
}

/** What the request changes, as it was before. */
export function noteBefore(response: Response, present: unknown): void {
  response.locals.before = present;
}

export function beforeOf(response: Response): unknown {
  return response.locals.before;
}
