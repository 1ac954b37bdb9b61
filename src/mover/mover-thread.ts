import { parentPort, workerData } from 'node:worker_threads';
import { aroundCalls, neverWaitForStorage } from '../repository/calls-of-thread.js';
import { RateMeters } from '../repository/rate-meters.js';
import { asTarget } from '../repository/open-repository.js';
import { RepositoryVisit } from '../repository/repository-visit.js';
import { seenMarkers } from '../repository/seen-markers.js';
import { KnownTargets } from './known-targets.js';
import type { MoverContext } from './task/mover-context.js';
import { threadOperation, windowOperation } from './mover-operations.js';
import { HeldThreads, ThreadPulse } from './thread-pulse.js';
import { tellWaits, WaitingRequests } from './waiting-requests.js';
import { TaskControl } from './task/task-control.js';
import { taskRepository, taskSource } from './task/task-repository.js';
import { ThreadFacts, type FactAnswer } from './thread-facts.js';
import {
  encodeError,
  type ThreadReply,
  type ThreadRequest,
  type ThreadSetup,
} from './thread-messages.js';
import { runWindowLoop } from './task/window-loop.js';
import { WindowRange } from './task/window-runs.js';

/** Entry of a data mover thread: each request has its own control block. */
const port = parentPort;
if (port === null) throw new Error('the data mover thread was not started as a thread');
const setup = workerData as ThreadSetup;
const { repositories, stateDirectory, meters: sharedMeters } = setup;
if (setup.isForLooks) neverWaitForStorage();
const ids = repositories.map(({ id }) => id);
const held = new HeldThreads(ids, setup.mostHeld, setup.held);
const pulse = new ThreadPulse(ids, setup.pulse);
aroundCalls((repositoryId) => pulse.duringCallsOf(repositoryId));
const targets = new KnownTargets(repositories, seenMarkers(stateDirectory));

const meters = RateMeters.from(sharedMeters);
const facts = new ThreadFacts((request) => port.postMessage(request));
const waiting = new WaitingRequests();
tellWaits(waiting, (message) => port.postMessage(message));

port.on('message', (request: ThreadRequest | FactAnswer) => {
  if (request.type === 'facts') return facts.settle(request);
  // It waited so long behind a call that does not return that another thread has it.
  if (Atomics.compareExchange(new Int32Array(request.begun), 0, 0, 1) !== 0) return;
  void answer(request).then((reply) => port.postMessage(reply));
});

async function answer(request: ThreadRequest): Promise<ThreadReply> {
  const control = new TaskControl(request.control);
  const visit = new RepositoryVisit(targets.visit);
  const visited = async (id: string) => {
    held.assertAnswers(id);
    waiting.asks(request.id, id);
    return visit.repository(id);
  };
  // A look or a plan writes nothing, and waits for no copy that takes all of a rate.
  const source = async (id: string) => {
    const found = (await visited(id)).source;
    return setup.isForLooks ? found : taskSource(found, control, meters, request.input);
  };
  const repository = async (id: string) => {
    const found = asTarget(await visited(id));
    return setup.isForLooks ? found : taskRepository(found, control, meters, request.input);
  };
  const context: MoverContext = { control, facts, source, repository };
  try {
    const output = await run(context, request).finally(() => visit.close());
    return { id: request.id, type: 'done', output };
  } catch (error) {
    return { id: request.id, type: 'failed', error: encodeError(error) };
  } finally {
    waiting.end(request.id);
  }
}

async function run(context: MoverContext, request: ThreadRequest): Promise<unknown> {
  if (request.type === 'operation') return threadOperation(request.name)(context, request.input);
  const open = windowOperation(request.name);
  const range = new WindowRange(request.windows, request.claims);
  await runWindowLoop(context, range, request.bytesOfASync, () => open(context, request.input));
  return null;
}
