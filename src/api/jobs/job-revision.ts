/** What a change of any kind of job names: an id that stays, and the revision that it was made to. */

import { invalidRequest } from '../route.js';

/** @throws REQUEST_INVALID */
export function refuseOtherId(sent: { readonly id: string }, present: { readonly id: string }) {
  if (sent.id === present.id) return;
  const message = `must be ${present.id}: the id never changes`;
  throw invalidRequest([{ path: 'id', message }]);
}

/** The revision that a change was made to; null: whichever there is. @throws REQUEST_INVALID */
export function revisionOf(header: string | undefined): number | null {
  if (header === '*') return null;
  const match = /^(?:W\/)?"?(\d{1,15})"?$/.exec(header ?? '');
  if (match === null) {
    throw invalidRequest([
      { path: 'If-Match', message: 'required: the revision of the job, for example "3", or *' },
    ]);
  }
  return Number(match[1]);
}

interface Revised {
  readonly id: string;
  readonly revision: number;
}

export function withRevision<Job extends Revised>(job: Job) {
  return { content: job, headers: { ETag: etag(job) } };
}

/** @param collection path of its kind below the API, as `/jobs` */
export function createdIn<Job extends Revised>(collection: string, job: Job) {
  const Location = `/api/v1${collection}/${job.id}`;
  return { content: job, headers: { Location, ETag: etag(job) } };
}

function etag({ revision }: Revised): string {
  return `"${revision}"`;
}
