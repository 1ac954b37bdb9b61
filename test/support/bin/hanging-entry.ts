import { stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { endWhatHangs } from '../../../src/bin/end-what-hangs.js';
import { runUntilSignal, stopSignal } from '../../../src/bin/run-until-signal.js';

/** Entry of a process that waits for a folder in a thread of the pool and in one of its own, as a service whose share hangs does: `<folder> <its stop>`; `fails`: a part
 *  of it cannot be started. */
const [folder, stops] = process.argv.slice(2) as [string, 'ends' | 'hangs' | 'fails'];
void stat(folder).catch(() => undefined);
const code = "require('node:fs').statSync(require('node:worker_threads').workerData)";
const thread = new Worker(code, { eval: true, workerData: folder });
thread.on('error', () => undefined);
const say = (_: object | string, text?: string) => console.log(text ?? _);
setTimeout(() => console.log('waits'), 300);
process.exitCode =
  stops === 'fails'
    ? 5
    : await runUntilSignal(
        {
          ...{ url: null, temporalUiUrl: null },
          failed: new Promise<never>(() => undefined),
          stop: () => (stops === 'ends' ? Promise.resolve() : new Promise(() => undefined)),
        },
        { info: say },
      );
endWhatHangs(stopSignal(), say);
