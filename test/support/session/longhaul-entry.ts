import { runServe } from '../../../src/bin/serve.js';
import { runWorker } from '../../../src/bin/worker.js';

/** Entry of a process that a test kills: `serve <config>`, `control <config>` or `worker <config> <repository>…`. */
const [verb, config, ...repositories] = process.argv.slice(2) as [string, string, ...string[]];
process.exitCode =
  verb === 'serve'
    ? await runServe({ config })
    : await runWorker({ config, repositories, control: verb === 'control' });
