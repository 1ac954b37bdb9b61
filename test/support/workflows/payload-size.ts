import { ApplicationFailure } from '@temporalio/common';
import type { Payload } from './execution.js';

/** Of one payload. Source: Temporal, blobSizeLimitError. */
const PAYLOAD_BYTES = 2 * 1024 * 1024;

/** @throws PayloadsTooLarge, as the SDK does before it sends them */
export function assertSizes(of: string, payloads: readonly (Payload | null)[]): void {
  for (const payload of payloads) {
    const size = payload?.data?.length ?? 0;
    if (size > PAYLOAD_BYTES)
      throw ApplicationFailure.nonRetryable(
        `${of} sends ${size} bytes, limit ${PAYLOAD_BYTES}`,
        'PayloadsTooLarge',
      );
  }
}
