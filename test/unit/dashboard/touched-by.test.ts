import { expect, it } from 'vitest';
import { isTouched, touchedBy } from '../../../src/dashboard/client/touched-by.js';

const PATHS = [
  ...['/overview', '/jobs', '/jobs/nightly', '/jobs/nightly/plan', '/file-backup-jobs/share'],
  ...['/sessions?jobId=nightly&cursor=x', '/sessions/nightly-1', '/sessions/nightly-1/tasks'],
  ...['/silences', '/workloads', '/repositories', '/limits'],
];
const touched = (event: string, data: unknown = {}): string[] => {
  const collections = touchedBy(event, data);
  return PATHS.filter((path) => isTouched(path, collections));
};
const JOBS = ['/overview', '/jobs', '/jobs/nightly', '/file-backup-jobs/share'];
const SESSIONS = ['/sessions?jobId=nightly&cursor=x', '/sessions/nightly-1'];

it.each<[string, object, string[]]>([
  ['sessionEnded', {}, [...JOBS, ...SESSIONS]],
  ['jobDisabled', {}, JOBS],
  ['problemBegan', {}, ['/overview', '/silences']],
  ['lookFailed', {}, []],
  ['lookSucceeded', {}, [...JOBS, ...SESSIONS]],
  ['reset', { reason: 'begun' }, []],
  ['reset', { reason: 'forgotten' }, [...JOBS, ...SESSIONS, '/silences']],
  ['ofALaterServer', {}, []],
])(
  '%s %j has lists and things read again, and nothing that reads storage',
  (event, data, paths) => {
    expect(touched(event, data)).toEqual(paths);
  },
);
