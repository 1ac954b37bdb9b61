/** `serve`, `api`, `worker` and `demo`: the server and its parts. */

import type { Command } from 'commander';
import type { Launchers } from '../launchers.js';

const CONFIG_FLAG = '-c, --config <file>';
const CONFIG_TEXT = 'configuration file (default: longhaul.yaml here, else the environment alone)';

export function addServerCommands(
  program: Command,
  launchers: Launchers,
  finish: (code: number) => void,
): void {
  program
    .command('serve')
    .description(
      'Run everything in one process: API, dashboard, workers, and Temporal if embedded.',
    )
    .option(CONFIG_FLAG, CONFIG_TEXT)
    .action(async (options: { config?: string }) => finish(await launchers.serve(options)));
  program
    .command('api')
    .description('Run the API and the dashboard only.')
    .option(CONFIG_FLAG, CONFIG_TEXT)
    .action(async (options: { config?: string }) => finish(await launchers.api(options)));
  program
    .command('worker')
    .description('Run workers only, near the repositories that they reach.')
    .option(CONFIG_FLAG, CONFIG_TEXT)
    .option('-r, --repository <id...>', 'repositories that this machine reaches (default: all)')
    .option('--control', 'also run workflows')
    .action(async (options: { config?: string; repository?: string[]; control?: boolean }) =>
      finish(
        await launchers.worker({
          ...(options.config === undefined ? {} : { config: options.config }),
          repositories: options.repository ?? [],
          control: options.control ?? false,
        }),
      ),
    );
  program
    .command('demo')
    .description('Show a copy with made-up backups in a temporary folder.')
    .option(CONFIG_FLAG, CONFIG_TEXT)
    .action(async (options: { config?: string }) => finish(await launchers.demo(options)));
}
