import { runServe } from '../../../src/bin/serve.js';
import { runWorker } from '../../../src/bin/worker.js';

/** Entry of a process that a test kills: `serve <config>`, `control <config>` or `worker <config> <repository>…`, behind the file
 *  with the workflows, which would otherwise be bundled at each start. */
const [workflowBundle, verb, config, ...repositories] = process.argv.slice(2) as [
  string,
  string,
  string,
  ...string[],
];
process.exitCode =
  verb === 'serve'
    ? await runServe({ config, workflowBundle })
    : await runWorker({ config, workflowBundle, repositories, control: verb === 'control' });
