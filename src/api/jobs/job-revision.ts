/** What a change of any kind of job names: an id that stays, and the revision that it was made to. The limits have one, too. */

import { isBackupError } from '../../domain/errors.js';
import { invalidRequest } from '../route.js';

/** @throws REQUEST_INVALID */
export function refuseOtherId(sent: { readonly id: string }, present: { readonly id: string }) {
  if (sent.id === present.id) return;
  const message = `must be ${present.id}: the id never changes`;
  throw invalidRequest([{ path: 'id', message }]);
}

/** The revision that a change was made to; null: whichever there is. @throws REQUEST_INVALID */
export function revisionOf(header: string | undefined, what = 'the job'): number | null {
  if (header === '*') return null;
  const match = /^(?:W\/)?"?(\d{1,15})"?$/.exec(header ?? '');
  if (match === null) {
    throw invalidRequest([
      { path: 'If-Match', message: `required: the revision of ${what}, for example "3", or *` },
    ]);
  }
  return Number(match[1]);
}

/** As often as somebody else may come between. */
const TRIES = 5;

/** A change that nobody has seen a revision for reads the one it is made to, and reads it again when somebody else has come between.
 *  @param change reads and writes @throws JOB_REVISION_STALE when that happens again and again */
export async function unlessStale(change: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++)
    try {
      return await change();
    } catch (error) {
      if (!isBackupError(error, 'JOB_REVISION_STALE') || tries === TRIES) throw error;
    }
}

interface Revised {
  readonly revision: number;
}

export function withRevision<Content extends Revised>(content: Content) {
  return { content, headers: { ETag: etag(content) } };
}

/** @param collection path of its kind below the API, as `/jobs` */
export function createdIn<Job extends Revised & { readonly id: string }>(
  collection: string,
  job: Job,
) {
  const Location = `/api/v1${collection}/${job.id}`;
  return { content: job, headers: { Location, ETag: etag(job) } };
}

function etag({ revision }: Revised): string {
  return `"${revision}"`;
}
