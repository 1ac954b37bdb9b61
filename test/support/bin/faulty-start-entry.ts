import { endWhatHangs } from '../../../src/bin/end-what-hangs.js';
import { processTerminal } from '../../../src/bin/process-terminal.js';
import { stopSignal } from '../../../src/bin/run-until-signal.js';
import { runCommand } from '../../../src/cli/program.js';
import type { Launchers } from '../../../src/cli/launchers.js';
import { loadConfig } from '../../../src/config/load-config.js';

/** Entry of `longhaul serve` that reads its configuration as the server does, and waits for folders for less long: `<configuration>`. */
const launchers: Pick<Launchers, 'serve'> = {
  async serve({ config: file = '' }) {
    await loadConfig({ file, environment: {}, workingFolder: '/', limitMs: 300 });
    return 0;
  },
};
const words = ['serve', '--config', process.argv[2]!];
const terminal = processTerminal(process.env);
process.exitCode = await runCommand(words, terminal, launchers as Launchers);
endWhatHangs(stopSignal(), console.error);
