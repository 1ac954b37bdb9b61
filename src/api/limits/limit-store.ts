import type { Client } from '@temporalio/client';
import { NO_LIMIT, type RateLimits } from '../../domain/rate-limits.js';
import { KeptDocument } from '../executions/kept-document.js';

/** As they are kept. */
export interface KeptLimits extends RateLimits {
  /** Absent: they were never set since they have revisions. */
  readonly revision?: number;
}

/** The limits of reading and writing. Every worker looks at them, so they hold everywhere within seconds.
 *  @param timeZone of limits that were never set */
export function limitStore(client: Client, timeZone: string): KeptDocument<KeptLimits> {
  return new KeptDocument(client, 'limits', { timeZone, service: NO_LIMIT, repositories: [] });
}
