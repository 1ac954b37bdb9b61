/** When all was stopped, or nothing could be started, a process in which nothing hangs ends well before. */
const END_MS = 3_000;

/** Ends this process where a call to storage never returns: Node waits for each of its threads when it ends, the kernel does not. Does nothing to one that ends
 *  by itself.
 *  @param signal by which it ends: the one that has stopped it; null: a part has failed, or could not start, which no end that looks orderly may hide */
export function endWhatHangs(signal: NodeJS.Signals | null, say: (text: string) => void): void {
  setTimeout(() => {
    say('all is stopped, but calls that never return keep the process: it ends as killed');
    process.kill(process.pid, signal ?? 'SIGKILL');
    // The first process of a container is ended by no signal that it does not listen to.
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), END_MS).unref();
  }, END_MS).unref();
}
