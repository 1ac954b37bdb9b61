import { isMainThread } from 'node:worker_threads';
import { aroundEach } from './around-calls.js';
import { asynchronousCalls, synchronousCalls, type FileCalls } from './file-calls.js';
import { unansweredCallsOf, whileAnswered } from './unanswered-calls.js';

/** The main thread answers heartbeats and must not wait for a disk. A thread that copies has nothing else to do, and there the
 *  synchronous calls are faster: they save the way through the thread pool. Only `datasync` is asynchronous in both. */
export function fileCallsOfThisThread(repositoryId: string, rootPath: string): FileCalls {
  if (!mayWait) return whileAnswered(asynchronousCalls, unansweredCallsOf(repositoryId, rootPath));
  if (around === null) return synchronousCalls;
  const during = around(repositoryId);
  const unanswered = unansweredCallsOf(repositoryId, rootPath);
  return aroundEach(synchronousCalls, {
    ...{ ask: during, follow: during, now: during },
    datasync: (call) => during(() => unanswered.follow(call)),
  });
}

/** Runs calls that wait for the storage of a repository. */
type AroundCall = (repositoryId: string) => <T>(call: () => T) => T;

let around: AroundCall | null = null;

/** For a thread that waits for storage: what is done around each call. Before a repository is opened. */
export function aroundCalls(during: AroundCall): void {
  around = during;
}

let mayWait = !isMainThread;

/** For a thread that answers many at once, some of whom may ask for storage that is away. Before a repository is opened. */
export function neverWaitForStorage(): void {
  mayWait = false;
}
