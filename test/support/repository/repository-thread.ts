import { isMainThread, parentPort } from 'node:worker_threads';
import { isBackupError } from '../../../src/domain/errors.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import type { ThreadAnswer, ThreadRequest } from './threaded-repository.js';

if (isMainThread || parentPort === null) throw new Error('this is the file of a worker thread');
const port = parentPort;
/** Repositories and open files; the index is the number that the other side knows. The first one opens repositories. */
const targets: object[] = [{ open: openDirectoryRepository }];
const OPENING_METHODS = ['open', 'openRead', 'openReadPastCache', 'openWrite', 'openSyncAll'];

port.on('message', (request: ThreadRequest) => {
  void answer(request).then((message) => port.postMessage(message));
});

async function answer({ call, target, method, parameters }: ThreadRequest): Promise<ThreadAnswer> {
  try {
    const value = await invoke(targets[target], method, parameters);
    if (OPENING_METHODS.includes(method) && typeof value === 'object' && value !== null)
      return { call, value: targets.push(value) - 1 };
    return { call, value, parameters: method === 'read' ? parameters : [] };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const { code, details } = isBackupError(error) ? error : { code: null, details: {} };
    return { call, error: { message, code, details } };
  }
}

async function invoke(
  target: object | undefined,
  method: string,
  parameters: readonly unknown[],
): Promise<unknown> {
  const action: unknown = target && Reflect.get(target, method);
  if (typeof action !== 'function') throw new Error(`no ${method} to call`);
  return Reflect.apply(action, target, parameters);
}
