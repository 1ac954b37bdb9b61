/** Search attributes by which jobs and sessions are found. */

import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { SEARCH_ATTRIBUTES } from '../../workflows/messages.js';

export const JOB_ID = defineSearchAttributeKey(
  SEARCH_ATTRIBUTES.jobId,
  SearchAttributeType.KEYWORD,
);
export const JOB_NAME = defineSearchAttributeKey(
  SEARCH_ATTRIBUTES.jobName,
  SearchAttributeType.KEYWORD,
);
export const RESULT = defineSearchAttributeKey(
  SEARCH_ATTRIBUTES.result,
  SearchAttributeType.KEYWORD,
);
export const IDEMPOTENCY_KEY = defineSearchAttributeKey(
  SEARCH_ATTRIBUTES.idempotencyKey,
  SearchAttributeType.KEYWORD,
);

export const AFTER_JOB = defineSearchAttributeKey(
  SEARCH_ATTRIBUTES.afterJob,
  SearchAttributeType.KEYWORD,
);

/** A text as a literal of a visibility query. */
export function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
