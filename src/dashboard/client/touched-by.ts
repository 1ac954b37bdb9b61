/** Which answers of the API an event of the site may have changed. Pure. */

const SESSIONS = ['/sessions', '/jobs', '/file-backup-jobs', '/mirror-jobs', '/overview'];
const JOBS = ['/jobs', '/file-backup-jobs', '/mirror-jobs', '/overview'];
const PROBLEMS = ['/overview', '/notices', '/silences'];

/** Collections, below the base path. */
export function touchedBy(event: string, data: unknown): readonly string[] {
  if (event.startsWith('session')) return SESSIONS;
  if (event.startsWith('job')) return JOBS;
  if (event.startsWith('problem')) return PROBLEMS;
  if (event === 'lookSucceeded') return SESSIONS;
  // What the page has read is new when it begins to follow.
  if (event === 'reset' && !hasBegun(data)) return [...SESSIONS, ...PROBLEMS];
  return [];
}

function hasBegun(data: unknown): boolean {
  return typeof data === 'object' && data !== null && 'reason' in data && data.reason === 'begun';
}

/** A list or one of its things; what lies below that (the plan of a job) reads storage, and is read when somebody asks for it. */
export function isTouched(path: string, collections: readonly string[]): boolean {
  const [place = ''] = path.split('?');
  const [, collection = '', , ...below] = place.split('/');
  return below.length === 0 && collections.includes(`/${collection}`);
}
