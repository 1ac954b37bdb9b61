import type { Client } from '@temporalio/client';
import { NO_LIMIT, type RateLimits } from '../../domain/rate-limits.js';
import { KeptDocument } from '../executions/kept-document.js';

/** The limits of reading and writing. Every worker looks at them, so they hold everywhere within seconds.
 *  @param timeZone of limits that were never set */
export function limitStore(client: Client, timeZone: string): KeptDocument<RateLimits> {
  return new KeptDocument(client, 'limits', { timeZone, service: NO_LIMIT, repositories: [] });
}
